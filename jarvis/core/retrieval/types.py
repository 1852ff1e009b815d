"""What goes into retrieval, and what comes out."""

from dataclasses import dataclass, replace
from enum import StrEnum

from jarvis_ports.embedding import Matrix
from jarvis_ports.filters import Filter, Metadata
from jarvis_ports.store import CollectionSpec, IndexSettings, Row, Space

RESERVED = "_"
"""What the names of our own metadata fields begin with; callers' own may not."""


@dataclass(frozen=True, slots=True)
class RetrievalSettings:
    """How documents are read where a request does not say: tokens of a chunk, and shared; bytes."""

    chunk_tokens: int
    chunk_overlap: int
    max_document_bytes: int


@dataclass(frozen=True, slots=True)
class IndexChanges:
    """New index settings of a collection; what is None stays as it is."""

    space: Space | None = None
    max_neighbors: int | None = None
    ef_construction: int | None = None
    ef_search: int | None = None

    def applied(self, index: IndexSettings) -> IndexSettings:
        """Give the settings with the changes."""
        changed = {name: getattr(self, name) for name in self.__slots__ if getattr(self, name) is not None}
        return replace(index, **changed)


class SearchMode(StrEnum):
    """How to search."""

    DENSE = "dense"
    SPARSE = "sparse"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to find: a text, or a vector of shape (dimension,).

    A `mode` of None is hybrid for a text, and dense for a vector.
    """

    collection: str
    text: str | None = None
    vector: Matrix | None = None
    mode: SearchMode | None = None
    top_k: int = 10
    filter: Filter | None = None
    min_similarity: float | None = None
    truncate: bool = False


@dataclass(frozen=True, slots=True)
class ChunkSource:
    """The place of a chunk in its document; offsets are in code points, pages from 1 where it has any."""

    document_id: str
    source: str
    start: int
    end: int
    first_page: int | None = None
    last_page: int | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found; see the contract's `Hit` for score, similarity and ranks.

    `duplicates` are the other rows of the same text, by their places; that of `row` is before them.
    """

    row: Row
    score: float
    similarity: float | None = None
    dense_rank: int | None = None
    sparse_rank: int | None = None
    duplicates: tuple[Row, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """The hits, the best first, and how they were searched for."""

    hits: tuple[Hit, ...]
    mode: SearchMode


@dataclass(frozen=True, slots=True)
class CollectionInfo:
    """A collection, its rows, and what hinders its use; empty where nothing does."""

    spec: CollectionSpec
    rows: int
    mismatch: str = ""


def chunk_source(row: Row) -> ChunkSource | None:
    """Tell where the text of a row comes from; None for one that was not ingested."""
    metadata = row.metadata
    if "_document" not in metadata:
        return None
    return ChunkSource(
        document_id=str(metadata["_document"]),
        source=str(metadata["_source"]),
        start=int(metadata["_start"]),
        end=int(metadata["_end"]),
        first_page=_page(metadata, "_first_page"),
        last_page=_page(metadata, "_last_page"),
    )


def _page(metadata: Metadata, name: str) -> int | None:
    return int(metadata[name]) if name in metadata else None


def own_metadata(row: Row) -> Metadata:
    """Give the metadata that the caller set."""
    return {name: value for name, value in row.metadata.items() if not name.startswith(RESERVED)}


def place(row: Row) -> tuple[str, int, str]:
    """Give what rows are ordered by where they come from: their source, their offset, their id."""
    source = chunk_source(row)
    return (source.source, source.start, row.id) if source else ("", 0, row.id)
