"""What to find, and what was found."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jarvis_ports.values.enums import OpenEnum
from jarvis_ports.values.filters import Filter, Metadata

if TYPE_CHECKING:
    from jarvis_ports.embedding import Matrix


class SearchMode(OpenEnum):
    """How to search: by vector, by words, by both."""

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
    vector: "Matrix | None" = None
    mode: SearchMode | None = None
    top_k: int = 10
    filter: Filter | None = None
    min_similarity: float | None = None
    truncate: bool = False


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

    `duplicates` are the other rows of the same text by their places, at most 100; that of the hit is before
    them.
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
