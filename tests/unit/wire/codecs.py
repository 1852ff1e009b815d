"""Every message of the contract, and how it is written and read."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from jarvis.v1 import embedding_pb2, generation_pb2, retrieval_pb2, server_pb2
from jarvis.wire import answers, collections, documents, embedding, generation, search, server
from jarvis_ports import values

FILES = (embedding_pb2, generation_pb2, retrieval_pb2, server_pb2)


BLAMED: list[tuple[str, str]] = []
"""What was wrong with the message that was read last."""


def blamed(path: str, description: str) -> None:
    BLAMED.append((path, description))


@dataclass(frozen=True)
class Pair:
    """A message, the value that it carries, and the functions between them."""

    message: Any
    value: Any
    write: Callable[[Any], Any]
    read: Callable[[Any], Any]


def of_codec(message, value, codec):
    return Pair(message, value, codec.message, codec.read)


def of_request(message, value, codec):
    return Pair(message, value, codec.message, lambda sent: codec.read(sent, "", blamed))


def _ingest_read(message):
    return documents.read_ingest_request(message, blamed)


def _ingest_write(event):
    return next(documents.ingest_requests(event))


g, r, s, e = generation_pb2, retrieval_pb2, server_pb2, embedding_pb2
PAIRS = [
    Pair(
        g.GenerateRequest,
        values.GenerateCall,
        generation.generate_request,
        lambda message: generation.read_generate(message, blamed),
    ),
    Pair(
        g.GenerateStreamRequest,
        values.GenerateCall,
        generation.generate_stream_request,
        lambda message: _unstreamed(generation.read_generate(message, blamed)),
    ),
    Pair(
        g.CountTokensRequest,
        values.CountTokensRequest,
        generation.count_tokens_request,
        lambda message: generation.read_count_tokens(message, blamed),
    ),
    Pair(
        g.TokenizeRequest,
        values.TokenizeRequest,
        generation.tokenize_request,
        lambda message: generation.read_tokenize(message, blamed),
    ),
    of_request(g.DetokenizeRequest, values.DetokenizeRequest, generation.DETOKENIZE),
    Pair(
        g.ExplainPromptRequest,
        values.ExplainPromptRequest,
        generation.explain_prompt_request,
        lambda message: generation.read_explain_prompt(message, blamed),
    ),
    of_codec(g.GenerateResponse, values.Answer, answers.ANSWER),
    Pair(g.GenerateStreamResponse, values.NumberedEvent, answers.NUMBERED.message, answers.NUMBERED.read),
    of_request(g.ResumeStreamRequest, values.ResumeRequest, answers.RESUME),
    of_codec(g.ResumeStreamResponse, values.NumberedEvent, answers.RESUMED),
    of_codec(g.CountTokensResponse, values.TokenCount, answers.TOKEN_COUNT),
    of_codec(g.TokenizeResponse, values.Tokens, answers.TOKENS),
    of_codec(g.DetokenizeResponse, values.Detokenized, answers.DETOKENIZED),
    of_codec(g.ExplainPromptResponse, values.PromptExplanation, answers.EXPLANATION),
    of_request(e.EmbedRequest, values.EmbedRequest, embedding.REQUEST),
    of_request(e.EmbedStreamRequest, values.EmbedRequest, embedding.STREAM_REQUEST),
    of_request(e.RerankRequest, values.RerankRequest, embedding.RERANK),
    of_codec(e.RerankResponse, values.Reranked, embedding.RERANKED),
    Pair(e.EmbedResponse, values.Embeddings, embedding.response, embedding.read_response),
    Pair(e.EmbedStreamResponse, values.Embeddings, embedding.stream_response, embedding.read_response),
    of_request(r.CreateCollectionRequest, values.CollectionRequest, collections.CREATE),
    of_codec(r.CreateCollectionResponse, values.Collection, collections.CREATED),
    of_codec(r.GetCollectionRequest, str, collections.GET),
    of_codec(r.GetCollectionResponse, values.Collection, collections.FOUND),
    of_codec(r.ListCollectionsResponse, tuple[values.Collection, ...], collections.LISTED),
    of_codec(r.DeleteCollectionRequest, str, collections.DROP),
    of_codec(r.DeleteCollectionResponse, int, collections.DROPPED),
    of_codec(r.CheckCollectionRequest, str, collections.CHECK),
    of_codec(r.CheckCollectionResponse, values.Progress | values.Diagnosis, collections.CHECKED),
    of_request(r.RebuildCollectionRequest, values.CollectionRequest, collections.REBUILD),
    of_codec(r.RebuildCollectionResponse, values.Progress, collections.REBUILT),
    Pair(
        r.UpsertRequest,
        values.Upsert,
        collections.upsert_request,
        lambda message: collections.read_upsert(message, blamed),
    ),
    of_codec(r.UpsertResponse, int, collections.UPSERTED),
    of_request(r.DeleteRequest, values.Deletion, collections.DELETION),
    of_codec(r.DeleteResponse, int, collections.DELETED),
    of_request(r.SearchRequest, values.SearchQuery, search.QUERY),
    of_codec(r.SearchResponse, values.SearchResult, search.RESULT),
    Pair(r.IngestRequest, values.IngestEvent, _ingest_write, _ingest_read),
    of_codec(r.IngestResponse, values.IngestResult, documents.RESULTS),
    of_codec(r.ListDocumentsRequest, values.DocumentsQuery, documents.QUERY),
    of_codec(r.ListDocumentsResponse, tuple[values.StoredDocument, ...], documents.STORED),
    of_codec(r.DeleteDocumentsRequest, values.DocumentsDeletion, documents.DELETION),
    of_codec(r.DeleteDocumentsResponse, int, documents.DELETED),
    of_codec(s.GetStatusResponse, values.ServerStatus, server.STATUS),
    of_codec(s.ListModelsResponse, values.ModelList, server.MODEL_LIST),
    of_codec(s.ListAdaptersResponse, tuple[values.AdapterInfo, ...], server.ADAPTERS),
    of_codec(s.ReloadAdapterRequest, values.ReloadRequest, server.RELOAD),
    of_codec(s.ReloadAdapterResponse, int, server.RELOADED),
    of_codec(s.SleepModelRequest, str, server.SLEEP),
    of_codec(s.SleepModelResponse, int, server.ASLEEP),
    of_codec(s.WakeModelRequest, str, server.WAKE),
    of_codec(s.LoadAdapterWeightsRequest, values.WeightsRequest, server.LOAD_WEIGHTS),
    of_codec(s.UnloadAdapterWeightsRequest, str, server.UNLOAD_WEIGHTS),
    of_codec(s.UnloadAdapterWeightsResponse, int, server.UNLOADED),
    of_codec(s.ListAdapterWeightsResponse, tuple[values.AdapterWeights, ...], server.WEIGHTS),
    of_codec(s.AbortRequest, str, server.ABORT),
    of_codec(s.AbortResponse, int, server.ABORTED),
    of_request(s.GetUsageRequest, values.UsageRequest, server.USAGE_REQUEST),
    of_codec(s.GetUsageResponse, tuple[values.CallerUsage, ...], server.USAGE),
]
EMPTY = {
    r.ListCollectionsRequest,
    s.GetStatusRequest,
    s.ListModelsRequest,
    s.ListAdaptersRequest,
    s.WakeModelResponse,
    s.ListAdapterWeightsRequest,
    s.LoadAdapterWeightsResponse,
}
"""Messages without a field."""


def _unstreamed(call):
    assert call.request.streamed
    return replace(call, request=replace(call.request, streamed=False))
