"""Keeps collections in memory as well, and writes to them in step with Chroma.

All methods of `CachedCollections` but `of` and `forget` run in the one thread that talks to the embedded
Chroma, so that nothing comes between a write to Chroma and the same write in memory.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import shuffle
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from jarvis_adapters.chroma.engine import Engine
from jarvis_ports.embedding import Matrix
from jarvis_ports.store import CollectionSpec, Row
from jarvis_toolkit.memory_index import MemoryIndex

P = ParamSpec("P")
T = TypeVar("T")

CHUNK = 10
"""The number of rows written at a time; a read of the embedded Chroma waits for as long as that takes."""
EXACT_BELOW = 20_000
"""Up to so many rows are read into memory at once, and compared exactly."""
PAGE = 200
"""The number of rows read at a time."""
RETURN = 0.75
"""The share of `in_memory_below` under which a collection that had outgrown it returns to memory."""


class Calls(Protocol):
    """An engine that runs elsewhere: in a child process, or on a server."""

    def call(self, method: Callable[Concatenate[Engine, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the engine, and block until it returns."""
        ...


@dataclass
class Loading:
    """A collection that is read into memory page by page, in any order, while Chroma answers."""

    index: MemoryIndex
    ids: list[str]


@dataclass
class CachedCollection:
    """One collection. A writer holds `writing`; the collection is `large` if it must not be kept in memory.

    After a failed write it is `doubtful`: Chroma may have logged that write all the same, and then applies it
    together with the next one that works.
    """

    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    index: MemoryIndex | None = None
    loading: Loading | None = None
    large: bool = False
    doubtful: bool = False

    @property
    def missing(self) -> bool:
        """Whether the collection has yet to be read into memory."""
        return self.index is None and self.loading is None and not self.large and not self.doubtful

    def indices(self) -> list[MemoryIndex]:
        """Return what a write has to change as well."""
        loading = None if self.loading is None else self.loading.index
        return [index for index in (self.index, loading) if index is not None]

    def leave_memory(self) -> None:
        """Keep nothing of it in memory."""
        self.index = self.loading = None

    def outgrow_memory(self) -> None:
        """Keep nothing of it in memory, nor read it again while it is large."""
        self.leave_memory()
        self.large = True


class CachedCollections:
    """The collections by name; one that is not in memory is loaded when it is first read."""

    def __init__(self, engine: Calls, in_memory_below: int) -> None:
        self.engine = engine
        self._in_memory_below = in_memory_below
        self._cached: dict[str, CachedCollection] = {}

    def of(self, name: str) -> CachedCollection:
        """Return the cache entry for a name, whether or not there is such a collection."""
        return self._cached.setdefault(name, CachedCollection(large=not self._in_memory_below))

    def forget(self, name: str) -> None:
        """Drop the cache entry of a collection that does not exist."""
        self._cached.pop(name, None)

    def load(self, name: str) -> None:
        """Read a collection into memory, or begin to, unless it is there, too large or doubtful."""
        cached = self.of(name)
        if cached.missing:
            self._load(name, cached)

    def load_page(self, name: str) -> bool:
        """Read some more rows of a collection into memory; return whether that was all."""
        cached = self.of(name)
        if (loading := cached.loading) is None:
            return True
        self._read(name, loading.ids[-PAGE:], loading.index)
        del loading.ids[-PAGE:]
        if not loading.ids:
            cached.index, cached.loading = loading.index, None
        return not loading.ids

    def give_up(self, name: str) -> None:
        """Forget what was read of a collection by `load_page`."""
        self.of(name).loading = None

    def upsert(self, name: str, rows: Sequence[Row], vectors: Matrix) -> None:
        """Store rows, then show them to readers."""
        cached = self.of(name)
        with _doubted(cached):
            self.engine.call(Engine.upsert, name, rows, vectors)
            for index in cached.indices():
                index.upsert(rows, vectors)
        if any(len(index) > self._in_memory_below for index in cached.indices()):
            cached.outgrow_memory()

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """Delete rows, then hide them from readers."""
        cached = self.of(name)
        with _doubted(cached):
            self.engine.call(Engine.delete, name, ids)
            for index in cached.indices():
                index.delete(ids)
        if cached.large and self.engine.call(Engine.count, name) < RETURN * self._in_memory_below:
            cached.large = False

    def drop(self, name: str) -> None:
        """Delete a collection."""
        self.engine.call(Engine.drop, name)
        self.forget(name)

    def swap(self, spec: CollectionSpec, successor: str) -> None:
        """Replace a collection with its rebuilt successor; old rows answer until the new ones are loaded."""
        cached = self.of(spec.name)
        self.engine.call(Engine.swap, spec, successor)
        cached.large, cached.doubtful = not self._in_memory_below, False
        try:
            self._load(spec.name, cached)
        except Exception:
            cached.leave_memory()
            raise

    def counts(self, name: str) -> dict[str, int]:
        """Count the rows in each place that holds them."""
        counts = {"store": self.engine.call(Engine.count, name)}
        if (index := self.of(name).index) is not None:
            counts["snapshot"] = len(index)
        return counts

    def _load(self, name: str, cached: CachedCollection) -> None:
        rows = self.engine.call(Engine.count, name)
        if cached.large or rows > self._in_memory_below:
            cached.outgrow_memory()
            return
        spec = self.engine.call(Engine.spec, name)
        index = MemoryIndex(spec.index.space, spec.dimension, EXACT_BELOW, capacity=rows + rows // 8)
        ids = self.engine.call(Engine.ids, name)
        if rows > EXACT_BELOW:
            shuffle(ids)  # the codes are chosen by those that come first
            cached.index, cached.loading = None, Loading(index, ids)
            return
        self._read(name, ids, index)
        cached.index, cached.loading = index, None

    def _read(self, name: str, ids: Sequence[str], index: MemoryIndex) -> None:
        for start in range(0, len(ids), PAGE):
            page = self.engine.call(Engine.get, name, ids[start : start + PAGE], vectors=True)
            if page.vectors is not None:
                index.upsert(page.rows, page.vectors)


@contextmanager
def _doubted(cached: CachedCollection) -> Iterator[None]:
    """Take a collection out of memory, and mark it as doubtful, if a write to it fails."""
    try:
        yield
    except Exception:
        cached.leave_memory()
        cached.doubtful = True
        raise
    cached.doubtful = False
