"""Searches and their results."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jarvis_ports.values.enums import OpenEnum
from jarvis_ports.values.filters import Filter, Metadata

if TYPE_CHECKING:
    from jarvis_ports.embedding import Matrix


class SearchMode(OpenEnum):
    """How to search: by vector, by words, or by both."""

    DENSE = "dense"
    SPARSE = "sparse"
    HYBRID = "hybrid"


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What to find: a text, or a vector of shape (dimension,).

    A `mode` of None is hybrid for a text, and dense for a vector. A `rerank` of None reranks if the server
    has a reranker, and the query is a text.
    """

    collection: str
    text: str | None = None
    vector: "Matrix | None" = None
    mode: SearchMode | None = None
    top_k: int = 10
    filter: Filter | None = None
    min_similarity: float | None = None
    truncate: bool = False
    rerank: bool | None = None


@dataclass(frozen=True, slots=True)
class ChunkSource:
    """The place of a chunk in its document: offsets in code points, and pages from 1 if it has any."""

    document_id: str
    source: str
    start: int
    end: int
    first_page: int | None = None
    last_page: int | None = None

    @property
    def pages(self) -> str:
        """The pages as people write them: "p. 3", "pp. 3-4"; empty if it has none."""
        if self.first_page is None:
            return ""
        if self.first_page == self.last_page:
            return f"p. {self.first_page}"
        return f"pp. {self.first_page}-{self.last_page}"


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Another row with the same text as a hit."""

    id: str
    metadata: Metadata
    source: ChunkSource | None = None


@dataclass(frozen=True, slots=True)
class Hit:
    """A row that was found. Larger scores are better; they are comparable only within one mode.

    `rerank_score` is that of the reranker, by which the hits are ordered where they have it.
    `duplicates` are the other rows with the same text in order of their places, at most 100; the hit itself
    comes before them.
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
    rerank_score: float | None = None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The hits, the best first, the mode of the search, and whether a reranker has ordered them."""

    hits: tuple[Hit, ...]
    mode: SearchMode
    reranked: bool = False
