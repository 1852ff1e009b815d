"""The part of a collection that is kept in memory, and the jobs that keep it true to Chroma.

All but `CachedCollections.of` run in the one thread that talks to the embedded Chroma, so that nothing comes
between a write to Chroma and the same write in memory.
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
"""Rows written at once: a read that the embedded Chroma has to answer waits for as long as that takes."""
PAGE = 200
"""Rows read at once."""
RETURN = 0.75
"""A collection that has grown beyond `exact_below` comes back into memory below this share of it."""


class Calls(Protocol):
    """An engine somewhere else."""

    def call(self, method: Callable[Concatenate[Engine, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a method of the engine, and block until it returns."""
        ...


@dataclass
class CachedCollection:
    """One collection. Who writes to it holds `writing`; it is `large` where it has no place in memory.

    After a write that failed it is `doubtful`: Chroma may have logged it all the same, and then applies it
    with the next one that works.
    """

    writing: asyncio.Lock = field(default_factory=asyncio.Lock)
    index: ExactIndex | None = None
    large: bool = False
    doubtful: bool = False

    @property
    def missing(self) -> bool:
        """Whether it is to be read into memory."""
        return self.index is None and not self.large and not self.doubtful


class CachedCollections:
    """The collections by name; one that is not in memory is loaded when it is first read."""

    def __init__(self, engine: Calls, exact_below: int) -> None:
        self.engine = engine
        self._exact_below = exact_below
        self._cached: dict[str, CachedCollection] = {}

    def of(self, name: str) -> CachedCollection:
        """Return what is cached of a collection, whether or not there is one of that name."""
        return self._cached.setdefault(name, CachedCollection(large=not self._exact_below))

    def forget(self, name: str) -> None:
        """There is no such collection."""
        self._cached.pop(name, None)

    def load(self, name: str) -> None:
        """Read a collection into memory, unless it is there, or too large."""
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
        """Let a rebuilt collection take its place; the old rows answer until the new ones are loaded."""
        cached = self.of(spec.name)
        self.engine.call(Engine.swap, spec, successor)
        cached.large, cached.doubtful = not self._exact_below, False
        try:
            self._load(spec.name, cached)
        except Exception:
            cached.index = None
            raise

    def counts(self, name: str) -> dict[str, int]:
        """Count the rows by each place that has them."""
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
    """Take a collection out of memory where a write to it fails."""
    try:
        yield
    except Exception:
        cached.index, cached.doubtful = None, True
        raise
    cached.doubtful = False
