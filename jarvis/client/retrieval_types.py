"""What goes into retrieval, and what comes out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypedDict

from jarvis_ports.filters import Metadata, Value
from jarvis_ports.store import IndexSettings, Space


class IndexOptions(TypedDict, total=False):
    """How to index a collection; what is left out is the contract's default, or stays as it is."""

    space: Space | None
    max_neighbors: int | None
    ef_construction: int | None
    ef_search: int | None


@dataclass(frozen=True, slots=True)
class Collection:
    """A collection; `mismatch` says what hinders its use, and is empty where nothing does.

    `max_document_bytes` is the size of the largest document that it takes.
    """

    name: str
    dimension: int
    embedder: str
    index: IndexSettings
    rows: int
    mismatch: str = ""
    max_document_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What a check found; `unreachable_ids` are the first 100 of the rows that no search finds."""

    ok: bool
    checked: int
    unreachable: int
    unreachable_ids: tuple[str, ...]
    counts: Mapping[str, int]


class SearchMode(StrEnum):
    """How to search: by vector, by words, by both."""

    DENSE = "dense"
    SPARSE = "sparse"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class ChunkSource:
    """The place of a chunk in its document: offsets in code points, and pages from 1 where it has any."""

    document_id: str
    source: str
    start: int
    end: int
    first_page: int | None = None
    last_page: int | None = None

    @property
    def pages(self) -> str:
        """Its pages as people write them: "p. 3", "pp. 3-4"; empty where it has none."""
        if self.first_page is None:
            return ""
        if self.first_page == self.last_page:
            return f"p. {self.first_page}"
        return f"pp. {self.first_page}-{self.last_page}"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Another row that has the text of a hit."""

    id: str
    metadata: Metadata
    source: ChunkSource | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found. Larger scores are better; they are comparable within one mode alone.

    `duplicates` are the other rows of the same text, at most 100.
    """

    id: str
    text: str
    score: float
    metadata: Metadata
    similarity: float | None = None
    dense_rank: int | None = None
    sparse_rank: int | None = None
    source: ChunkSource | None = None
    duplicates: tuple[Duplicate, ...] = ()


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits, the best first, and how they were searched for."""

    hits: tuple[Hit, ...]
    mode: SearchMode


@dataclass(frozen=True, slots=True)
class Document:
    """A document to ingest.

    Attributes:
        source: where it comes from; its ending tells what it is, unless `media_type` does.
        data: its content.
        id: what it is known by; the source where it is None.
        media_type: what it is, such as "text/html".
        metadata: that of each of its chunks.
        failure: why it cannot be sent: it fails with this message, and what is stored of it stays.
    """

    source: str
    data: bytes
    id: str | None = None
    media_type: str | None = None
    metadata: Metadata = field(default_factory=dict[str, Value])
    failure: str | None = None


class Outcome(StrEnum):
    """What became of a document."""

    ADDED = "added"
    CHANGED = "changed"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    PRUNED = "pruned"
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class IngestedDocument:
    """A document is done: chunks that it has now, those that were embedded for it, and why it failed.

    `notes` say what its sender should know of how it was read, such as the encoding that was guessed;
    `same_as` are the ids of other documents that had the same content already, at most 100.
    """

    id: str
    source: str
    outcome: Outcome
    chunks: int
    embedded: int
    message: str = ""
    notes: tuple[str, ...] = ()
    same_as: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A document that is stored, and how many chunks it has."""

    id: str
    source: str
    chunks: int


@dataclass(frozen=True, slots=True)
class IngestFinished:
    """All documents are done: how many of each outcome, and the chunks of all that were sent."""

    added: int
    changed: int
    unchanged: int
    failed: int
    pruned: int
    chunks: int
    embedded: int
    empty: int = 0
