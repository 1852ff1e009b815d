"""Rerank over real gRPC, and searches whose hits are reranked, on the stand-ins."""

import asyncio

import grpc
import pytest

from jarvis.v1 import embedding_pb2 as pb
from jarvis.v1 import generation_pb2, retrieval_pb2, server_pb2
from jarvis_adapters.hashing.overlap import Overlap
from jarvis_ports.errors import EngineFailure

QUERY = "Where are backups kept?"
DOCUMENTS = ["Whales are mammals.", "Backups are kept on the second disk.", "Nothing."]
NAME = "jarvis.v1.EmbeddingService/small"


@pytest.fixture(scope="module")
async def server(start):
    settings = ("reranker.adapter=overlap", "reranker.name=small", "server.max_message_bytes=65536")
    async with start(*settings, "retrieval.rerank_candidates=20") as running:
        create = retrieval_pb2.CreateCollectionRequest(name="docs")
        await running.retrieval.CreateCollection(create)
        rows = [retrieval_pb2.Row(id=str(number), text=text) for number, text in enumerate(DOCUMENTS)]
        await running.retrieval.Upsert(retrieval_pb2.UpsertRequest(collection="docs", rows=rows))
        yield running


async def test_documents_are_ordered_by_how_well_they_answer(server):
    request = pb.RerankRequest(query=QUERY, documents=DOCUMENTS, top_n=2, return_documents=True)
    response = await server.embedding.Rerank(request)
    assert response.model == "small"
    best, second = response.results
    assert (best.index, best.document, best.tokens, best.truncated) == (1, DOCUMENTS[1], 14, False)
    assert best.score > second.score
    assert response.tokens == sum([10, 14, 8])
    bare = await server.embedding.Rerank(pb.RerankRequest(query=QUERY, documents=DOCUMENTS))
    assert len(bare.results) == 3
    assert not any(one.HasField("document") for one in bare.results)


@pytest.mark.parametrize(
    ("request_", "ends"),
    [
        (
            pb.RerankRequest(query="q", documents=["a"], model="other"),
            ("NOT_FOUND", "MODEL_NOT_FOUND", ["model"]),
        ),
        (
            pb.RerankRequest(query="q", documents=["a", "a " * 300]),
            ("INVALID_ARGUMENT", "TEXT_TOO_LONG", ["documents[1]"]),
        ),
        (
            pb.RerankRequest(query="q", documents=["a"] * 1001),
            ("INVALID_ARGUMENT", "INVALID_ARGUMENT", ["documents"]),
        ),
        (
            pb.RerankRequest(query="q", documents=["a" * 58] * 1000, return_documents=True),
            ("INVALID_ARGUMENT", "MESSAGE_TOO_LARGE", ["return_documents"]),
        ),
    ],
)
async def test_what_is_wrong_is_refused_by_its_field(server, failure, request_, ends):
    assert await failure(server.embedding.Rerank(request_)) == (*ends, None)


async def test_what_is_too_long_is_cut_when_that_is_asked_for(server):
    request = pb.RerankRequest(query="q", documents=["a", "a " * 300], truncate=True)
    response = await server.embedding.Rerank(request)
    assert {one.index: one.truncated for one in response.results} == {0: False, 1: True}


async def test_health_and_status_tell_of_it(server):
    assert await server.check(NAME) == "SERVING"
    status = await server.server.GetStatus(server_pb2.GetStatusRequest())
    (told,) = [one for one in status.components if one.port == "reranker"]
    assert (told.name, told.adapter, told.state) == ("small", "overlap", server_pb2.STATE_READY)
    assert list(told.notes) == ["a stand-in: it compares words"]


async def test_what_is_used_is_counted_for_its_caller(server):
    def tokens(usage):
        return sum(one.prompt_tokens for one in usage.usage if one.model == "small")

    before = tokens(await server.server.GetUsage(server_pb2.GetUsageRequest()))
    response = await server.embedding.Rerank(pb.RerankRequest(query=QUERY, documents=DOCUMENTS, top_n=1))
    after = tokens(await server.server.GetUsage(server_pb2.GetUsageRequest()))
    assert after - before == response.tokens


async def search(server, **fields):
    request = retrieval_pb2.SearchRequest(collection="docs", text=QUERY, **fields)
    return await server.retrieval.Search(request)


async def test_hits_are_reranked_unless_that_is_not_wanted(server):
    found, plain = await search(server), await search(server, rerank=False)
    assert (found.reranked, plain.reranked) == (True, False)
    scores = [hit.rerank_score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert found.hits[0].id == "1"
    assert not any(hit.HasField("rerank_score") for hit in plain.hits)


async def test_a_reranker_that_fails_fails_no_search_and_tells_who_asks_it(server, failure, monkeypatch):
    async def fail(self, query, documents):
        raise EngineFailure("odd")

    monkeypatch.setattr(Overlap, "score", fail)
    found, plain = await search(server), await search(server, rerank=False)
    assert found == plain
    code, reason, _, _ = await failure(server.embedding.Rerank(pb.RerankRequest(query="q", documents=["a"])))
    assert (code, reason) == ("INTERNAL", "ENGINE_FAILURE")


async def test_sources_of_an_answer_are_reranked(server):
    retrieval = generation_pb2.Retrieval(collection="docs", top_k=1, min_similarity=-1)
    message = generation_pb2.Message(role=generation_pb2.ROLE_USER, content=QUERY)
    request = generation_pb2.GenerateRequest(messages=[message], retrieval=retrieval)
    assert (await server.generation.Generate(request)).retrieved.reranked
    request.retrieval.rerank = False
    assert not (await server.generation.Generate(request)).retrieved.reranked


async def test_it_is_reloaded_while_it_is_asked(server):
    request = pb.RerankRequest(query=QUERY, documents=DOCUMENTS * 20)
    calls = [asyncio.ensure_future(server.embedding.Rerank(request)) for _ in range(5)]
    reload = server_pb2.ReloadAdapterRequest(port="reranker", name="small")
    assert (await server.server.ReloadAdapter(reload)).ended_requests == 0
    assert {len((await call).results) for call in calls} == {60}


async def test_hanging_up_ends_the_work(server, monkeypatch):
    begun, ended = asyncio.Event(), asyncio.Event()

    async def hang(self, query, documents):
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    monkeypatch.setattr(Overlap, "score", hang)
    call = server.embedding.Rerank(pb.RerankRequest(query="q", documents=["a"]))
    await asyncio.wait_for(begun.wait(), 5)
    call.cancel()
    await asyncio.wait_for(ended.wait(), 5)


async def test_without_a_reranker_nothing_is_offered_and_only_what_demands_it_is_refused(start, failure):
    async with start() as server:
        rerank = server.embedding.Rerank(pb.RerankRequest(query="q", documents=["a"]))
        assert (await failure(rerank))[:2] == ("UNIMPLEMENTED", "NOT_CONFIGURED")
        await server.retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name="docs"))
        assert not (await search(server)).reranked
        request = retrieval_pb2.SearchRequest(collection="docs", text="q", rerank=True)
        assert (await failure(server.retrieval.Search(request)))[1:3] == ("UNSUPPORTED_FIELD", ["rerank"])
        message = generation_pb2.Message(role=generation_pb2.ROLE_USER, content="q")
        retrieval = generation_pb2.Retrieval(collection="docs", rerank=True)
        wanted = generation_pb2.GenerateRequest(messages=[message], retrieval=retrieval)
        refused = await failure(server.generation.Generate(wanted))
        assert refused[1:3] == ("UNSUPPORTED_FIELD", ["retrieval.rerank"])
        with pytest.raises(grpc.aio.AioRpcError):
            await server.check(NAME)


async def test_it_serves_without_an_embedder(start):
    none = ("embedder.adapter=none", "store.adapter=none")
    async with start("reranker.adapter=overlap", *none) as server:
        assert await server.check("jarvis.v1.EmbeddingService") == "SERVING"
        response = await server.embedding.Rerank(pb.RerankRequest(query=QUERY, documents=DOCUMENTS))
        assert (response.model, response.results[0].index) == ("overlap", 1)
