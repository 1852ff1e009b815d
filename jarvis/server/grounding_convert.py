"""Between the contract's messages for answers from sources and the domain's types. Pure functions."""

from dataclasses import asdict

from jarvis.core.grounding import RetrievalOptions, Retrieved
from jarvis.core.retrieval.types import Hit, chunk_source
from jarvis.core.violations import Violations
from jarvis.server.filter_convert import filter_
from jarvis.server.retrieval_convert import duplicates, mode
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2


def retrieval_options(
    message: pb.GenerateRequest | pb.GenerateStreamRequest, violations: Violations
) -> RetrievalOptions | None:
    """Read what to search before answering, where anything; what cannot be expressed otherwise is blamed."""
    if not message.HasField("retrieval"):
        return None
    retrieval = message.retrieval
    return RetrievalOptions(
        collection=retrieval.collection,
        query=retrieval.query if retrieval.HasField("query") else None,
        mode=mode(retrieval.mode, "retrieval.mode", violations),
        top_k=retrieval.top_k if retrieval.HasField("top_k") else 5,
        filter=filter_(retrieval.filter, violations, "retrieval.filter")
        if retrieval.HasField("filter")
        else None,
        min_similarity=retrieval.min_similarity if retrieval.HasField("min_similarity") else None,
        max_tokens=retrieval.max_tokens if retrieval.HasField("max_tokens") else None,
    )


def retrieved(found: Retrieved | None) -> pb.Retrieved | None:
    """Write what the search found, where one was asked for."""
    if found is None:
        return None
    citations = [_citation(number, hit) for number, hit in enumerate(found.sources, 1)]
    return pb.Retrieved(citations=citations, left_out=found.left_out)


def _citation(number: int, hit: Hit) -> pb.Citation:
    source = chunk_source(hit.row)
    return pb.Citation(
        number=number,
        id=hit.row.id,
        text=hit.row.text,
        source=retrieval_pb2.ChunkSource(**asdict(source)) if source else None,
        score=hit.score,
        similarity=hit.similarity,
        duplicates=duplicates(hit),
    )
