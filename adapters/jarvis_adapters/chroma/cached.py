"""Keeps collections in memory as well, and writes to them in step with Chroma.

All methods of `CachedCollections` but `of` and `forget` run in the one thread that talks to the embedded
Chroma, so that nothing comes between a write to Chroma and the same write in memory.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from jarvis_adapters.chroma.engine import Engine
from jarvis_ports.embedding import Matrix
from jarvis_ports.store import CollectionSpec, Row
from jarvis_toolkit.exact import ExactIndex

P = ParamSpec("P")
T = TypeVar("T")

CHUNK = 10
"""The number of rows written at a time; a read of the embedded Chroma waits for as long as that takes."""
PAGE = 200
"""The number of rows read at a time."""
RETURN = 0.75
"""The share of `exact_below` under which a collection that had outgrown it returns to memory."""


class Calls(Protocol):
    """An engine that runs elsewhere: in a child process, or on a server."""

    def call(self, method: Callable[Concatenate[Engine, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the engine, and block until it returns."""
        ...


@dataclass
class CachedCollection:
    """One collection. A writer holds `writing`; the collection is `large` if it must not be kept in memory.

    After a failed write it is `doubtful`: Chroma may have logged that write all the same, and then applies it
    together with the next one that works.
    """

    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    index: ExactIndex | None = None
    large: bool = False
    doubtful: bool = False

    @property
    def missing(self) -> bool:
        """Whether the collection has yet to be read into memory."""
        return self.index is None and not self.large and not self.doubtful


class CachedCollections:
    """The collections by name; one that is not in memory is loaded when it is first read."""

    def __init__(self, engine: Calls, exact_below: int) -> None:
        self.engine = engine
        self._exact_below = exact_below
        self._cached: dict[str, CachedCollection] = {}

    def of(self, name: str) -> CachedCollection:
        """Return the cache entry for a name, whether or not there is such a collection."""
        return self._cached.setdefault(name, CachedCollection(large=not self._exact_below))

    def forget(self, name: str) -> None:
        """Drop the cache entry of a collection that does not exist."""
        self._cached.pop(name, None)

    def load(self, name: str) -> None:
        """Read a collection into memory, unless it is there already, too large, or doubtful."""
        cached = self.of(name)
        if cached.missing:
            self._load(name, cached)

    def upsert(self, name: str, rows: Sequence[Row], vectors: Matrix) -> None:
        """Store rows, then show them to readers."""
        cached = self.of(name)
        with _doubted(cached):
            self.engine.call(Engine.upsert, name, rows, vectors)
        if cached.index is not None:
            cached.index.upsert(rows, vectors)
            if len(cached.index) > self._exact_below:
                cached.index, cached.large = None, True

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """Delete rows, then hide them from readers."""
        cached = self.of(name)
        with _doubted(cached):
            self.engine.call(Engine.delete, name, ids)
        if cached.index is not None:
            cached.index.delete(ids)
        elif cached.large and self.engine.call(Engine.count, name) < RETURN * self._exact_below:
            cached.large = False

    def drop(self, name: str) -> None:
        """Delete a collection."""
        self.engine.call(Engine.drop, name)
        self.forget(name)

    def swap(self, spec: CollectionSpec, successor: str) -> None:
        """Replace a collection with its rebuilt successor; old rows answer until the new ones are loaded."""
        cached = self.of(spec.name)
        self.engine.call(Engine.swap, spec, successor)
        cached.large, cached.doubtful = not self._exact_below, False
        try:
            self._load(spec.name, cached)
        except Exception:
            cached.index = None
            raise

    def counts(self, name: str) -> dict[str, int]:
        """Count the rows in each place that holds them."""
        counts = {"store": self.engine.call(Engine.count, name)}
        if (index := self.of(name).index) is not None:
            counts["snapshot"] = len(index)
        return counts

    def _load(self, name: str, cached: CachedCollection) -> None:
        if cached.large or self.engine.call(Engine.count, name) > self._exact_below:
            cached.index, cached.large = None, True
            return
        spec = self.engine.call(Engine.spec, name)
        index = ExactIndex(spec.index.space, spec.dimension)
        ids = self.engine.call(Engine.ids, name)
        for start in range(0, len(ids), PAGE):
            page = self.engine.call(Engine.get, name, ids[start : start + PAGE], vectors=True)
            if page.vectors is not None:
                index.upsert(page.rows, page.vectors)
        cached.index = index


@contextmanager
def _doubted(cached: CachedCollection) -> Iterator[None]:
    """Take a collection out of memory, and mark it as doubtful, if a write to it fails."""
    try:
        yield
    except Exception:
        cached.index, cached.doubtful = None, True
        raise
    cached.doubtful = False
