"""The port of a vector store."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from jarvis_ports.embedding import Matrix
from jarvis_ports.health import Health
from jarvis_ports.values import Filter, IndexSettings, Progress, Row, Space

__all__ = [
    "CollectionSpec",
    "IndexSettings",
    "Match",
    "Progress",
    "Row",
    "Rows",
    "Space",
    "StoreCheck",
    "VectorStore",
]


@dataclass(frozen=True, slots=True)
class CollectionSpec:
    """What a collection is made for: vectors of one embedder, by its name and `EmbedderInfo.identity`.

    Two of the same identity fit, whatever their names.
    """

    name: str
    dimension: int
    embedder: str
    identity: str
    index: IndexSettings = IndexSettings()


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows, and their vectors where asked for: shape (rows, dimension)."""

    rows: tuple[Row, ...]
    vectors: Matrix | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A row that is near; see `Space` for `similarity`."""

    row: Row
    similarity: float


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """What `check` found.

    `unreachable` are ids that a search for their own vector does not find. `counts` are the rows by each
    place that counts them ("store", "snapshot"); they agree where all is well.
    """

    rows: int
    checked: int
    unreachable: tuple[str, ...]
    counts: Mapping[str, int]

    @property
    def ok(self) -> bool:
        """Whether every row checked was found and all counts agree."""
        return not self.unreachable and len(set(self.counts.values())) <= 1


class VectorStore(Protocol):
    """Keeps rows with vectors in collections, and finds the nearest. Reads stay fast while it writes."""

    async def create(self, spec: CollectionSpec) -> None:
        """Make a collection; does nothing where it exists just so.

        Raises:
            CollectionMismatch: it exists and differs; where `ef_search` alone does, that is changed instead.
        """
        ...

    async def collections(self) -> list[CollectionSpec]:
        """List the collections, by name."""
        ...

    async def drop(self, collection: str) -> None:
        """Delete a collection with all that is in it.

        Raises:
            CollectionNotFound: there is none of that name. So do all methods below.
        """
        ...

    async def count(self, collection: str) -> int:
        """Count the rows."""
        ...

    async def upsert(self, collection: str, rows: Sequence[Row], vectors: Matrix) -> None:
        """Insert rows, or replace those of the same id; what has returned is stored and survives a kill.

        Args:
            collection: its name.
            rows: any number; no id twice.
            vectors: shape (rows, dimension), finite, not zero; the core has checked that.

        Raises:
            StoreFailure: it cannot write, as when the disk is full; some of the rows may be stored.
        """
        ...

    async def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Delete rows; ids that are not there are passed over."""
        ...

    async def get(self, collection: str, ids: Sequence[str], *, vectors: bool = False) -> Rows:
        """Read rows by id, in the order asked for; ids that are not there are left out."""
        ...

    def scan(
        self, collection: str, filter_: Filter | None = None, *, vectors: bool = False
    ) -> AsyncGenerator[Rows, None]:
        """Read all rows that pass a filter, page by page, in any order.

        A row that is written or deleted meanwhile may be there or not; every other one comes once.
        """
        ...

    async def query(
        self, collection: str, vector: Matrix, top_k: int, filter_: Filter | None = None
    ) -> list[Match]:
        """Find the `top_k` rows nearest to one vector, the nearest first.

        Args:
            collection: its name.
            vector: shape (dimension,).
            top_k: at least 1.
            filter_: only rows that pass, by the meaning of `jarvis_ports.filters.matches`.
        """
        ...

    def check(self, collection: str) -> AsyncGenerator[Progress | StoreCheck, None]:
        """Search for each row by its own vector, compare the counts: `Progress`, then one `StoreCheck`."""
        ...

    def rebuild(
        self, spec: CollectionSpec, embed: Callable[[Sequence[Row]], Awaitable[Matrix]] | None = None
    ) -> AsyncGenerator[Progress, None]:
        """Build the collection `spec.name` anew, as `spec` says, from its stored rows.

        The new one takes the old one's place when it is whole; until then the old one answers, and writes
        wait. Killed or closed in the middle, the old one stays.

        Args:
            spec: what it is to be; without `embed`, of the same embedder and dimension.
            embed: makes new vectors, shape (rows, spec.dimension); None keeps the stored ones.
        """
        ...

    async def health(self) -> Health:
        """Return whether it answers; answers at once."""
        ...
