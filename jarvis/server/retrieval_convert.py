"""Between the contract's messages for retrieval and the domain's types. Pure functions."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import accumulate
from typing import Final

import numpy as np

from jarvis.core.retrieval.documents import (
    Document,
    IngestedDocument,
    IngestEvent,
    IngestFinished,
    IngestStart,
    Outcome,
    Prune,
    StoredDocument,
)
from jarvis.core.retrieval.types import (
    CollectionInfo,
    Found,
    Hit,
    IndexChanges,
    SearchMode,
    SearchQuery,
    chunk_source,
    own_metadata,
)
from jarvis.core.retrieval.validation import check_document
from jarvis.core.violations import Violations
from jarvis.server import enums
from jarvis.server.filter_convert import filter_, metadata, values
from jarvis.v1 import retrieval_pb2 as pb
from jarvis_ports.embedding import Matrix
from jarvis_ports.errors import InvalidArgument, MessageTooLarge
from jarvis_ports.store import Diagnosis, IndexSettings, Progress, Row, Space

FLOAT32: Final = np.dtype("<f4")
UNREACHABLE_TOLD = 100
HIT_BYTES = 6
"""The most that a hit takes beside its own bytes: a tag and a length."""
MODE_BYTES = 2
DUPLICATES_TOLD = 100
INDEX_FIELDS = ("max_neighbors", "ef_construction", "ef_search")
SPACES = {pb.SPACE_COSINE: Space.COSINE, pb.SPACE_L2: Space.L2, pb.SPACE_IP: Space.IP}
SPACE_NUMBERS = {space: number for number, space in SPACES.items()}
MODES = {
    pb.SEARCH_MODE_DENSE: SearchMode.DENSE,
    pb.SEARCH_MODE_SPARSE: SearchMode.SPARSE,
    pb.SEARCH_MODE_HYBRID: SearchMode.HYBRID,
}
MODE_NUMBERS = {mode: number for number, mode in MODES.items()}
OUTCOMES = {
    Outcome.ADDED: pb.INGEST_OUTCOME_ADDED,
    Outcome.CHANGED: pb.INGEST_OUTCOME_CHANGED,
    Outcome.UNCHANGED: pb.INGEST_OUTCOME_UNCHANGED,
    Outcome.FAILED: pb.INGEST_OUTCOME_FAILED,
    Outcome.PRUNED: pb.INGEST_OUTCOME_PRUNED,
    Outcome.EMPTY: pb.INGEST_OUTCOME_EMPTY,
}


def index_changes(message: pb.IndexSettings, violations: Violations) -> IndexChanges:
    """Read index settings, of which any may be left out; a space that is unknown is blamed."""
    space = (
        enums.read(message.space, SPACES, pb.Space.Name, "index.space", violations) if message.space else None
    )
    figures = {field.name: figure for field, figure in message.ListFields() if field.name in INDEX_FIELDS}
    return IndexChanges(space, **figures)


def collection(info: CollectionInfo, max_document_bytes: int) -> pb.Collection:
    """Write a collection, and what it takes."""
    spec = info.spec
    return pb.Collection(
        name=spec.name,
        dimension=spec.dimension,
        embedder=spec.embedder,
        index=_index(spec.index),
        rows=info.rows,
        mismatch=info.mismatch,
        max_document_bytes=max_document_bytes,
    )


def _index(index: IndexSettings) -> pb.IndexSettings:
    figures = {name: getattr(index, name) for name in INDEX_FIELDS}
    return pb.IndexSettings(space=SPACE_NUMBERS[index.space], **figures)


def progress(done: Progress) -> pb.RowProgress:
    """Write how far long work is."""
    return pb.RowProgress(done=done.done, total=done.total)


def checked(event: Progress | Diagnosis) -> pb.CheckCollectionResponse:
    """Write an event of a check."""
    if isinstance(event, Progress):
        return pb.CheckCollectionResponse(progress=progress(event))
    return pb.CheckCollectionResponse(
        diagnosis=pb.Diagnosis(
            ok=event.ok,
            checked=event.checked,
            unreachable=len(event.unreachable),
            unreachable_ids=event.unreachable[:UNREACHABLE_TOLD],
            counts=event.counts,
        )
    )


def rows(message: pb.UpsertRequest, violations: Violations) -> tuple[list[Row], list[Matrix | None]]:
    """Read rows, and the vectors of those that have one; each field that is wrong is blamed."""
    read = [
        Row(row.id, row.text, metadata(row.metadata, f"rows[{position}].metadata", violations))
        for position, row in enumerate(message.rows)
    ]
    vectors = [
        _vector(row.vector, f"rows[{position}].vector", violations) if row.HasField("vector") else None
        for position, row in enumerate(message.rows)
    ]
    return read, vectors


def _vector(packed: bytes, path: str, violations: Violations) -> Matrix:
    if rest := len(packed) % FLOAT32.itemsize:
        violations.blame(path, f"has {len(packed)} bytes, which is no number of float32 of 4 bytes")
        packed = packed[:-rest]
    return np.frombuffer(packed, FLOAT32).astype(np.float32)


def query(message: pb.SearchRequest, violations: Violations) -> SearchQuery:
    """Read a query; each field that cannot be expressed in the domain's types is blamed."""
    least = message.min_similarity if message.HasField("min_similarity") else None
    return SearchQuery(
        collection=message.collection,
        text=message.text if message.HasField("text") else None,
        vector=_vector(message.vector, "vector", violations) if message.HasField("vector") else None,
        mode=mode(message.mode, "mode", violations),
        top_k=message.top_k if message.HasField("top_k") else 10,
        filter=filter_(message.filter, violations) if message.HasField("filter") else None,
        min_similarity=least,
        truncate=message.truncate,
    )


def mode(number: int, field: str, violations: Violations) -> SearchMode | None:
    """Read how to search; None leaves it to the server, and one that is unknown is blamed."""
    return enums.read(number, MODES, pb.SearchMode.Name, field, violations) if number else None


def found(result: Found, max_message_bytes: int) -> pb.SearchResponse:
    """Write what was found.

    Raises:
        MessageTooLarge: it does not fit a message, and fewer hits would.
    """
    response = pb.SearchResponse(hits=[_hit(hit) for hit in result.hits], mode=MODE_NUMBERS[result.mode])
    size = response.ByteSize()
    if size <= max_message_bytes:
        return response
    ends = accumulate(hit.ByteSize() + HIT_BYTES for hit in response.hits)
    fit = sum(end + MODE_BYTES <= max_message_bytes for end in ends)
    advice = f"ask for at most {fit}" if fit else "the first alone is too large"
    description = (
        f"the {len(response.hits)} hits have {size} bytes, and server.max_message_bytes is "
        f"{max_message_bytes}; {advice}"
    )
    raise MessageTooLarge.of("top_k", description)


def _hit(hit: Hit) -> pb.Hit:
    source = chunk_source(hit.row)
    return pb.Hit(
        id=hit.row.id,
        text=hit.row.text,
        metadata=values(own_metadata(hit.row)),
        score=hit.score,
        similarity=hit.similarity,
        dense_rank=hit.dense_rank,
        sparse_rank=hit.sparse_rank,
        source=pb.ChunkSource(**asdict(source)) if source else None,
        duplicates=duplicates(hit),
    )


def duplicates(hit: Hit) -> list[pb.Duplicate]:
    """Write the other rows that have the text of a hit."""
    written = []
    for row in hit.duplicates[:DUPLICATES_TOLD]:
        source = chunk_source(row)
        place = pb.ChunkSource(**asdict(source)) if source else None
        written.append(pb.Duplicate(id=row.id, metadata=values(own_metadata(row)), source=place))
    return written


def ingest_event(message: pb.IngestRequest) -> IngestEvent:
    """Read an event of an ingestion; a document with wrong metadata is one that fails.

    Raises:
        InvalidArgument: it is empty.
    """
    match message.WhichOneof("event"):
        case "start":
            start = message.start
            return IngestStart(
                collection=start.collection,
                chunk_tokens=start.chunk_tokens if start.HasField("chunk_tokens") else None,
                chunk_overlap=start.chunk_overlap if start.HasField("chunk_overlap") else None,
                language=start.language if start.HasField("language") else None,
                dry_run=start.dry_run,
            )
        case "document":
            return _document(message.document)
        case "data":
            return message.data
        case "prune":
            return Prune(tuple(message.prune.prefixes))
        case None:
            raise InvalidArgument.of("event", "set start, document, data or prune")


def _document(message: pb.IngestDocument) -> Document:
    violations = Violations()
    document = Document(
        source=message.source,
        given_id=message.id if message.HasField("id") else None,
        media_type=message.media_type if message.HasField("media_type") else None,
        metadata=metadata(message.metadata, "document.metadata", violations),
    )
    if message.HasField("failure"):
        return replace(document, failure=message.failure or "its caller cannot send it")
    try:
        violations.refuse(partial(check_document, document))
    except InvalidArgument as error:  # its own fault, not that of the others in the stream
        return replace(document, metadata={}, failure=str(error))
    return document


def ingest_result(result: IngestedDocument | IngestFinished) -> pb.IngestResponse:
    """Write what became of a document, or of all of them."""
    if isinstance(result, IngestedDocument):
        return pb.IngestResponse(
            document=pb.IngestedDocument(
                id=result.id,
                source=result.source,
                outcome=OUTCOMES[result.outcome],
                chunks=result.chunks,
                embedded=result.embedded,
                message=result.message,
                notes=result.notes,
                same_as=result.same_as,
            )
        )
    documents = {outcome.value: result.documents.get(outcome, 0) for outcome in Outcome}
    return pb.IngestResponse(
        finished=pb.IngestFinished(**documents, chunks=result.chunks, embedded=result.embedded)
    )


def stored(documents: Sequence[StoredDocument]) -> pb.ListDocumentsResponse:
    """Write documents that are stored."""
    return pb.ListDocumentsResponse(documents=[pb.StoredDocument(**asdict(one)) for one in documents])
