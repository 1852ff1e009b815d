"""Between Python values and the messages for retrieval."""

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from jarvis.client.errors import JarvisClientError, invalid
from jarvis.client.filters import filter_message, metadata_messages, read_metadata
from jarvis.client.messages import build, check_names, known
from jarvis.client.retrieval_types import (
    ChunkSource,
    Collection,
    Diagnosis,
    Document,
    Duplicate,
    Hit,
    IndexOptions,
    IngestedDocument,
    IngestFinished,
    Outcome,
    SearchMode,
    SearchResult,
)
from jarvis.v1 import retrieval_pb2 as pb
from jarvis_ports.filters import Filter
from jarvis_ports.store import IndexSettings, Progress, Row, Space

E = TypeVar("E", bound=StrEnum)

PART = 256 * 1024
"""Bytes of a document in one message."""

SPACES = {pb.SPACE_COSINE: Space.COSINE, pb.SPACE_L2: Space.L2, pb.SPACE_IP: Space.IP}
MODES = {
    pb.SEARCH_MODE_DENSE: SearchMode.DENSE,
    pb.SEARCH_MODE_SPARSE: SearchMode.SPARSE,
    pb.SEARCH_MODE_HYBRID: SearchMode.HYBRID,
}
OUTCOMES = {
    pb.INGEST_OUTCOME_ADDED: Outcome.ADDED,
    pb.INGEST_OUTCOME_CHANGED: Outcome.CHANGED,
    pb.INGEST_OUTCOME_UNCHANGED: Outcome.UNCHANGED,
    pb.INGEST_OUTCOME_FAILED: Outcome.FAILED,
    pb.INGEST_OUTCOME_PRUNED: Outcome.PRUNED,
    pb.INGEST_OUTCOME_EMPTY: Outcome.EMPTY,
}


def index(options: IndexOptions) -> pb.IndexSettings:
    """Write index settings.

    Raises:
        TypeError: there is no option of that name.
        JarvisClientError: INVALID_ARGUMENT, a value cannot be sent.
    """
    check_names(options, IndexOptions)
    rest: dict[str, Any] = {**options}
    space = rest.pop("space", None)
    number = space and pb.Space.Value(f"SPACE_{_choice(Space, space, 'index.space').name}")
    return build(pb.IndexSettings, "index.", space=number, **rest)


def collection(message: pb.Collection) -> Collection:
    """Read a collection."""
    settings = message.index
    return Collection(
        name=message.name,
        dimension=message.dimension,
        embedder=message.embedder,
        index=IndexSettings(
            space=known(SPACES, settings.space),
            max_neighbors=settings.max_neighbors,
            ef_construction=settings.ef_construction,
            ef_search=settings.ef_search,
        ),
        rows=message.rows,
        mismatch=message.mismatch,
        max_document_bytes=message.max_document_bytes,
    )


def progress(message: pb.RowProgress) -> Progress:
    """Read how far long work is."""
    return Progress(message.done, message.total)


def diagnosis(message: pb.Diagnosis) -> Diagnosis:
    """Read what a check found."""
    return Diagnosis(
        ok=message.ok,
        checked=message.checked,
        unreachable=message.unreachable,
        unreachable_ids=tuple(message.unreachable_ids),
        counts=dict(message.counts),
    )


def upsert_request(
    name: str, rows: Sequence[Row], vectors: Sequence[ArrayLike | None] | None, *, truncate: bool
) -> pb.UpsertRequest:
    """Write rows.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, a value cannot be sent.
    """
    if vectors is not None and len(vectors) != len(rows):
        raise invalid("vectors", f"there are {len(vectors)} for {len(rows)} rows")
    sent = [
        build(
            pb.Row,
            f"rows[{position}].",
            id=row.id,
            text=row.text,
            metadata=metadata_messages(row.metadata, f"rows[{position}].metadata"),
            vector=_packed(vectors[position], f"rows[{position}].vector") if vectors else None,
        )
        for position, row in enumerate(rows)
    ]
    return build(pb.UpsertRequest, collection=name, rows=sent, truncate=truncate)


def search_request(
    name: str,
    query: str | ArrayLike,
    *,
    mode: SearchMode | str | None,
    passing: Filter | None,
    **rest: Any,  # noqa: ANN401 - the fields of the message, as they are
) -> pb.SearchRequest:
    """Write a query.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, a value cannot be sent.
    """
    what = {"text": query} if isinstance(query, str) else {"vector": _packed(query, "vector")}
    number = mode and pb.SearchMode.Value(f"SEARCH_MODE_{_choice(SearchMode, mode, 'mode').name}")
    sent = filter_message(passing) if passing else None
    return build(pb.SearchRequest, collection=name, mode=number, filter=sent, **what, **rest)


def search_result(response: pb.SearchResponse) -> SearchResult:
    """Read what was found."""
    return SearchResult(tuple(_hit(hit) for hit in response.hits), known(MODES, response.mode))


def _hit(hit: pb.Hit) -> Hit:
    return Hit(
        id=hit.id,
        text=hit.text,
        score=hit.score,
        metadata=read_metadata(hit.metadata),
        similarity=hit.similarity if hit.HasField("similarity") else None,
        dense_rank=hit.dense_rank if hit.HasField("dense_rank") else None,
        sparse_rank=hit.sparse_rank if hit.HasField("sparse_rank") else None,
        source=chunk_source(hit.source) if hit.HasField("source") else None,
        duplicates=duplicates(hit.duplicates),
    )


def chunk_source(message: pb.ChunkSource) -> ChunkSource:
    """Read the place of a chunk."""
    return ChunkSource(
        message.document_id,
        message.source,
        message.start,
        message.end,
        first_page=message.first_page if message.HasField("first_page") else None,
        last_page=message.last_page if message.HasField("last_page") else None,
    )


def duplicates(messages: Iterable[pb.Duplicate]) -> tuple[Duplicate, ...]:
    """Read the other rows that have the text of a hit."""
    return tuple(
        Duplicate(
            message.id,
            read_metadata(message.metadata),
            chunk_source(message.source) if message.HasField("source") else None,
        )
        for message in messages
    )


def document_messages(document: Document) -> Iterator[pb.IngestRequest]:
    """Write a document, its content in parts; one with a value that cannot be sent as one that fails."""
    try:
        message = build(
            pb.IngestDocument,
            "document.",
            source=document.source,
            id=document.id,
            media_type=document.media_type,
            metadata=metadata_messages(document.metadata, "document.metadata"),
            failure=document.failure,
        )
    except JarvisClientError as error:
        id_ = None if document.id is None else _shown(document.id)
        message = pb.IngestDocument(source=_shown(document.source), id=id_, failure=str(error))
    yield pb.IngestRequest(document=message)
    if message.HasField("failure"):
        return
    for start in range(0, len(document.data), PART):
        yield pb.IngestRequest(data=document.data[start : start + PART])


def ingested(message: pb.IngestedDocument) -> IngestedDocument:
    """Read what became of a document."""
    return IngestedDocument(
        id=message.id,
        source=message.source,
        outcome=known(OUTCOMES, message.outcome),
        chunks=message.chunks,
        embedded=message.embedded,
        message=message.message,
        notes=tuple(message.notes),
        same_as=tuple(message.same_as),
    )


def finished(message: pb.IngestFinished) -> IngestFinished:
    """Read what became of all documents."""
    return IngestFinished(**{name: getattr(message, name) for name in IngestFinished.__slots__})


def _shown(text: object) -> str:
    return str(text).encode(errors="backslashreplace").decode()


def _packed(vector: ArrayLike | None, path: str) -> bytes | None:
    if vector is None:
        return None
    try:
        found = np.asarray(vector, dtype="<f4")
    except (TypeError, ValueError) as error:
        raise invalid(path, str(error)) from None
    if found.ndim != 1:
        raise invalid(path, f"must have the shape (dimension,), has {found.shape}")
    return found.tobytes()


def _choice(kind: type[E], value: str, path: str) -> E:
    try:
        return kind(value)
    except ValueError:
        raise invalid(path, f"{value!r} is not one of {', '.join(kind)}") from None
