"""The part of a collection that is kept in memory, and the jobs that keep it true to Chroma.

All but `HeldCollections.of` run in the one thread that talks to the embedded Chroma, so that nothing comes
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
class Held:
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


class HeldCollections:
    """The collections by name; one that is not in memory is loaded when it is first read."""

    def __init__(self, engine: Calls, exact_below: int) -> None:
        self.engine = engine
        self._exact_below = exact_below
        self._held: dict[str, Held] = {}

    def of(self, name: str) -> Held:
        """Return what is held of a collection, whether or not there is one of that name."""
        return self._held.setdefault(name, Held(large=not self._exact_below))

    def forget(self, name: str) -> None:
        """There is no such collection."""
        self._held.pop(name, None)

    def load(self, name: str) -> None:
        """Read a collection into memory, unless it is there, or too large."""
        held = self.of(name)
        if held.missing:
            self._load(name, held)

    def upsert(self, name: str, rows: Sequence[Row], vectors: Matrix) -> None:
        """Store rows, then show them to readers."""
        held = self.of(name)
        with _doubted(held):
            self.engine.call(Engine.upsert, name, rows, vectors)
        if held.index is not None:
            held.index.upsert(rows, vectors)
            if len(held.index) > self._exact_below:
                held.index, held.large = None, True

    def delete(self, name: str, ids: Sequence[str]) -> None:
        """Delete rows, then hide them from readers."""
        held = self.of(name)
        with _doubted(held):
            self.engine.call(Engine.delete, name, ids)
        if held.index is not None:
            held.index.delete(ids)
        elif held.large and self.engine.call(Engine.count, name) < RETURN * self._exact_below:
            held.large = False

    def drop(self, name: str) -> None:
        """Delete a collection."""
        self.engine.call(Engine.drop, name)
        self.forget(name)

    def swap(self, spec: CollectionSpec, successor: str) -> None:
        """Let a rebuilt collection take its place; the old rows answer until the new ones are loaded."""
        held = self.of(spec.name)
        self.engine.call(Engine.swap, spec, successor)
        held.large, held.doubtful = not self._exact_below, False
        try:
            self._load(spec.name, held)
        except Exception:
            held.index = None
            raise

    def counts(self, name: str) -> dict[str, int]:
        """Count the rows by each place that has them."""
        counts = {"store": self.engine.call(Engine.count, name)}
        if (index := self.of(name).index) is not None:
            counts["snapshot"] = len(index)
        return counts

    def _load(self, name: str, held: Held) -> None:
        if held.large or self.engine.call(Engine.count, name) > self._exact_below:
            held.index, held.large = None, True
            return
        spec = self.engine.call(Engine.spec, name)
        index = ExactIndex(spec.index.space, spec.dimension)
        ids = self.engine.call(Engine.ids, name)
        for start in range(0, len(ids), PAGE):
            page = self.engine.call(Engine.get, name, ids[start : start + PAGE], vectors=True)
            if page.vectors is not None:
                index.upsert(page.rows, page.vectors)
        held.index = index


@contextmanager
def _doubted(held: Held) -> Iterator[None]:
    """Take a collection out of memory where a write to it fails."""
    try:
        yield
    except Exception:
        held.index, held.doubtful = None, True
        raise
    held.doubtful = False
