"""A store in memory: its searches are exact, and its rows are gone with the process."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from jarvis_ports.embedding import Matrix
from jarvis_ports.errors import CollectionMismatch, CollectionNotFound
from jarvis_ports.health import Health
from jarvis_ports.store import CollectionSpec, Match, Progress, Row, Rows, StoreCheck, VectorStore
from jarvis_ports.values import Filter
from jarvis_toolkit.memory_index import MemoryIndex
from jarvis_toolkit.stores import Embed, differences, new_vectors

from .settings import Settings

PAGE = 200
"""The most rows that are read at a time."""


@asynccontextmanager
async def open_adapter(_: Settings) -> AsyncIterator[VectorStore]:
    """Open the store, and close it when the context is left."""
    yield Adapter()


@dataclass
class Collection:
    """A collection; who writes to it holds `writing`."""

    spec: CollectionSpec
    index: MemoryIndex
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)


class Adapter:
    """See `jarvis_ports.store.VectorStore`."""

    def __init__(self) -> None:
        self._collections: dict[str, Collection] = {}

    async def create(self, spec: CollectionSpec) -> None:
        """See the port."""
        new = Collection(spec, MemoryIndex(spec.index.space, spec.dimension))
        there = self._collections.setdefault(spec.name, new)
        found = differences(there.spec, spec)
        if found.keys() - {"ef_search"}:
            raise CollectionMismatch(spec.name, list(found.values()))
        there.spec = spec

    async def collections(self) -> list[CollectionSpec]:
        """See the port."""
        return [self._collections[name].spec for name in sorted(self._collections)]

    async def drop(self, collection: str) -> None:
        """See the port."""
        async with self._find(collection).writing:
            self._find(collection)
            del self._collections[collection]

    async def count(self, collection: str) -> int:
        """See the port."""
        return len(self._find(collection).index)

    async def upsert(self, collection: str, rows: Sequence[Row], vectors: Matrix) -> None:
        """See the port."""
        async with self._find(collection).writing:
            self._find(collection).index.upsert(rows, vectors)

    async def delete(self, collection: str, ids: Sequence[str]) -> None:
        """See the port."""
        async with self._find(collection).writing:
            self._find(collection).index.delete(ids)

    async def get(self, collection: str, ids: Sequence[str], *, vectors: bool = False) -> Rows:
        """See the port."""
        return self._find(collection).index.get(ids, vectors=vectors)

    async def scan(
        self, collection: str, filter_: Filter | None = None, *, vectors: bool = False
    ) -> AsyncGenerator[Rows, None]:
        """See the port."""
        for page in self._find(collection).index.pages(filter_, PAGE, vectors=vectors):
            yield page
            await asyncio.sleep(0)

    async def query(
        self, collection: str, vector: Matrix, top_k: int, filter_: Filter | None = None
    ) -> list[Match]:
        """See the port."""
        return await asyncio.to_thread(self._find(collection).index.query, vector, top_k, filter_)

    async def check(self, collection: str) -> AsyncGenerator[Progress | StoreCheck, None]:
        """See the port."""
        rows = len(self._find(collection).index)
        yield StoreCheck(rows, rows, (), {"store": rows})

    async def rebuild(
        self, spec: CollectionSpec, embed: Embed | None = None
    ) -> AsyncGenerator[Progress, None]:
        """See the port."""
        async with self._find(spec.name).writing:
            there = self._find(spec.name)
            index = MemoryIndex(spec.index.space, spec.dimension)
            total = len(there.index)
            for page in there.index.pages(None, PAGE, vectors=embed is None):
                index.upsert(page.rows, await new_vectors(spec, page, embed))
                if len(index) < total:
                    yield Progress(len(index), total)
            there.spec, there.index = spec, index
        yield Progress(total, total)

    async def health(self) -> Health:
        """See the port."""
        return Health(ok=True)

    def _find(self, collection: str) -> Collection:
        if found := self._collections.get(collection):
            return found
        raise CollectionNotFound(collection)
