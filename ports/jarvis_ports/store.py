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
    """The settings of a collection. `embedder` is the name of the embedder that makes its vectors.

    `identity` is `EmbedderInfo.identity`. Embedders with the same identity fit, whatever their names.
    """

    name: str
    dimension: int
    embedder: str
    identity: str
    index: IndexSettings = IndexSettings()


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows, and their vectors if they were asked for: shape (rows, dimension)."""

    rows: tuple[Row, ...]
    vectors: Matrix | None = None


@dataclass(frozen=True, slots=True)
class Match:
    """A row that is near; see `Space` for `similarity`."""

    row: Row
    similarity: float


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """The result of `check`.

    `unreachable` are the ids of rows that a search for their own vector does not find. `counts` has the
    number of rows according to each place that counts them ("store", "snapshot"); they agree if all is well.
    """

    rows: int
    checked: int
    unreachable: tuple[str, ...]
    counts: Mapping[str, int]

    @property
    def ok(self) -> bool:
        """Whether every checked row was found and all counts agree."""
        return not self.unreachable and len(set(self.counts.values())) <= 1


class VectorStore(Protocol):
    """Keeps rows with vectors in collections, and finds the nearest. Reads stay fast while it writes."""

    async def create(self, spec: CollectionSpec) -> None:
        """Make a collection; do nothing if it already exists with the same settings.

        Raises:
            CollectionMismatch: it exists and differs; if only `ef_search` does, that is changed instead.
        """
        ...

    async def collections(self) -> list[CollectionSpec]:
        """List the collections, by name."""
        ...

    async def drop(self, collection: str) -> None:
        """Delete a collection with all that is in it.

        Raises:
            CollectionNotFound: there is none of that name. All methods below raise it too.
        """
        ...

    async def count(self, collection: str) -> int:
        """Count the rows."""
        ...

    async def upsert(self, collection: str, rows: Sequence[Row], vectors: Matrix) -> None:
        """Insert rows, or replace those of the same id; once this returns, they survive a kill.

        Args:
            collection: its name.
            rows: any number; no id twice.
            vectors: shape (rows, dimension), finite, not zero; the core has checked that.

        Raises:
            StoreFailure: it cannot write, for example because the disk is full; some rows may be stored.
        """
        ...

    async def delete(self, collection: str, ids: Sequence[str]) -> None:
        """Delete rows; ignore ids that do not exist."""
        ...

    async def get(self, collection: str, ids: Sequence[str], *, vectors: bool = False) -> Rows:
        """Read rows by id, in the order asked for; leave out ids that do not exist."""
        ...

    def scan(
        self, collection: str, filter_: Filter | None = None, *, vectors: bool = False
    ) -> AsyncGenerator[Rows, None]:
        """Read all rows that pass a filter, page by page, in any order.

        A row that is written or deleted meanwhile may or may not come; every other row comes exactly once.
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
            filter_: finds only rows that pass it, as `jarvis_ports.filters.matches` decides.
        """
        ...

    def check(self, collection: str) -> AsyncGenerator[Progress | StoreCheck, None]:
        """Search for each row by its own vector, and compare counts: `Progress`, then one `StoreCheck`."""
        ...

    def rebuild(
        self, spec: CollectionSpec, embed: Callable[[Sequence[Row]], Awaitable[Matrix]] | None = None
    ) -> AsyncGenerator[Progress, None]:
        """Rebuild the collection `spec.name` as `spec` says, from its stored rows.

        The new collection replaces the old one when it is complete; until then the old one answers, and
        writes wait. If the rebuild is killed or closed midway, the old one stays.

        Args:
            spec: the new settings; without `embed`, they have the same embedder and dimension.
            embed: makes new vectors, shape (rows, spec.dimension); None keeps the stored ones.
        """
        ...

    async def health(self) -> Health:
        """Return at once whether the store answers."""
        ...
