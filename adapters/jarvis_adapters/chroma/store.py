"""The `VectorStore` port on Chroma."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import partial
from typing import TypeVar

from jarvis_adapters.chroma.cached import CHUNK, CachedCollections, Calls
from jarvis_adapters.chroma.engine import Engine
from jarvis_adapters.chroma.errors import NoSuchCollection
from jarvis_adapters.chroma.rebuild import rebuild
from jarvis_adapters.chroma.watch import Watch
from jarvis_adapters.chroma.work_queue import WorkQueue
from jarvis_ports.embedding import Matrix
from jarvis_ports.errors import (
    CollectionMismatch,
    CollectionNotFound,
    JarvisError,
    StoreFailure,
    StoreUnavailable,
)
from jarvis_ports.filters import Filter
from jarvis_ports.health import Health
from jarvis_ports.store import CollectionSpec, Match, Progress, Row, Rows, StoreCheck
from jarvis_toolkit.memory_index import MemoryIndex
from jarvis_toolkit.stores import Embed, differences

logger = logging.getLogger(__name__)

PAGE = 200
"""The number of rows read at a time."""

T = TypeVar("T")


class ChromaStore:
    """See `jarvis_ports.store.VectorStore`.

    Args:
        engine: calls Chroma.
        queue: the threads in which `engine` is called.
        watch: knows whether Chroma works.
        in_memory_below: collections of up to so many rows are searched in memory; 0 if others write, too.
        searches: the threads that search in memory.
    """

    def __init__(
        self,
        engine: Calls,
        queue: WorkQueue,
        watch: Watch,
        in_memory_below: int,
        searches: ThreadPoolExecutor,
    ) -> None:
        self._engine = engine
        self._queue = queue
        self._watch = watch
        self._searches = searches
        self._cached = CachedCollections(engine, in_memory_below)
        self._loading: dict[str, asyncio.Task[None]] = {}

    async def create(self, spec: CollectionSpec) -> None:
        """See `jarvis_ports.store.VectorStore.create`."""
        there = await self._write(spec.name, partial(self._engine.call, Engine.create, spec))
        found = differences(there, spec)
        if found.keys() - {"ef_search"}:
            raise CollectionMismatch(spec.name, list(found.values()))
        if found:
            async with self._writing(spec.name):
                await self._write(spec.name, partial(self._engine.call, Engine.set_ef_search, spec))

    async def collections(self) -> list[CollectionSpec]:
        """See `jarvis_ports.store.VectorStore.collections`."""
        return await self._read("", partial(self._engine.call, Engine.specs))

    async def drop(self, collection: str) -> None:
        """See `jarvis_ports.store.VectorStore.drop`."""
        async with self._writing(collection):
            await self._write(collection, partial(self._cached.drop, collection))

    async def count(self, collection: str) -> int:
        """See `jarvis_ports.store.VectorStore.count`."""
        if (index := await self._index(collection)) is not None:
            return len(index)
        return await self._read(collection, partial(self._engine.call, Engine.count, collection))

    async def upsert(self, collection: str, rows: Sequence[Row], vectors: Matrix) -> None:
        """See `jarvis_ports.store.VectorStore.upsert`."""
        async with self._writing(collection):
            await self._find(collection)
            for start in range(0, len(rows), CHUNK):
                part = rows[start : start + CHUNK], vectors[start : start + CHUNK]
                await self._write(collection, partial(self._cached.upsert, collection, *part))

    async def delete(self, collection: str, ids: Sequence[str]) -> None:
        """See `jarvis_ports.store.VectorStore.delete`."""
        async with self._writing(collection):
            await self._find(collection)
            for start in range(0, len(ids), CHUNK):
                part = ids[start : start + CHUNK]
                await self._write(collection, partial(self._cached.delete, collection, part))

    async def get(self, collection: str, ids: Sequence[str], *, vectors: bool = False) -> Rows:
        """See `jarvis_ports.store.VectorStore.get`."""
        if (index := await self._index(collection)) is not None:
            return index.get(ids, vectors=vectors)
        work = partial(self._engine.call, Engine.get, collection, ids, vectors=vectors)
        return await self._read(collection, work)

    async def scan(
        self, collection: str, filter_: Filter | None = None, *, vectors: bool = False
    ) -> AsyncGenerator[Rows, None]:
        """See `jarvis_ports.store.VectorStore.scan`."""
        if (index := await self._index(collection)) is not None:
            for page in index.pages(filter_, PAGE, vectors=vectors):
                if page.rows:
                    yield page
                await asyncio.sleep(0)
            return
        ids = await self._read(collection, partial(self._engine.call, Engine.ids, collection, filter_))
        for start in range(0, len(ids), PAGE):
            part = ids[start : start + PAGE]
            work = partial(self._engine.call, Engine.get, collection, part, vectors=vectors)
            yield await self._read(collection, work)

    async def query(
        self, collection: str, vector: Matrix, top_k: int, filter_: Filter | None = None
    ) -> list[Match]:
        """See `jarvis_ports.store.VectorStore.query`."""
        if (index := await self._index(collection)) is not None:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._searches, index.query, vector, top_k, filter_)
        work = partial(self._engine.call, Engine.query, collection, vector, top_k, filter_)
        return await self._read(collection, work)

    async def check(self, collection: str) -> AsyncGenerator[Progress | StoreCheck, None]:
        """See `jarvis_ports.store.VectorStore.check`; this checks Chroma's index, not the rows in memory."""
        await self._index(collection)
        ids = await self._read(collection, partial(self._engine.call, Engine.ids, collection))
        lost: list[str] = []
        for start in range(0, len(ids), PAGE):
            part = ids[start : start + PAGE]
            lost += await self._read(
                collection, partial(self._engine.call, Engine.unreachable, collection, part)
            )
            yield Progress(start + len(part), len(ids))
        counts = await self._read(collection, partial(self._cached.counts, collection))
        yield StoreCheck(counts["store"], len(ids), tuple(lost), counts)

    async def rebuild(
        self, spec: CollectionSpec, embed: Embed | None = None
    ) -> AsyncGenerator[Progress, None]:
        """See `jarvis_ports.store.VectorStore.rebuild`; on a server, what others write meanwhile is lost."""
        async with self._writing(spec.name):
            await self._find(spec.name)
            steps = rebuild(self._cached, self._queue, spec, embed)
            try:
                async for progress in steps:
                    yield progress
            except (StoreFailure, StoreUnavailable) as error:
                self._watch.failed(error)
                raise
            finally:
                await steps.aclose()

    async def close(self) -> None:
        """Stop reading collections into memory."""
        tasks = list(self._loading.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def health(self) -> Health:
        """See `jarvis_ports.store.VectorStore.health`."""
        return self._watch.health()

    async def _index(self, name: str) -> MemoryIndex | None:
        """Return the rows in memory, loaded if necessary; return None if Chroma must be asked."""
        cached = self._cached.of(name)
        if cached.missing:
            await self._read(name, partial(self._cached.load, name))
        if cached.loading and name not in self._loading:
            self._loading[name] = asyncio.create_task(self._load(name))
            self._loading[name].add_done_callback(lambda _: self._loading.pop(name))
        return cached.index

    async def _load(self, name: str) -> None:
        """Read a large collection into memory; reads come in between, and Chroma answers them."""
        try:
            while not await self._read(name, partial(self._cached.load_page, name)):
                pass
        except JarvisError as error:  # the next read begins anew
            self._cached.give_up(name)
            logger.warning("the collection %r could not be read into memory: %s", name, error)
        except Exception:
            self._cached.of(name).outgrow_memory()
            logger.exception("the collection %r cannot be kept in memory: Chroma's index answers", name)

    async def _find(self, name: str) -> None:
        """Raise `CollectionNotFound` if there is no such collection."""
        await self._read(name, partial(self._engine.call, Engine.spec, name))

    @asynccontextmanager
    async def _writing(self, name: str) -> AsyncIterator[None]:
        """Keep other writers out of a collection."""
        while True:
            cached = self._cached.of(name)
            async with cached.writing:
                if self._cached.of(name) is cached:  # it was not dropped meanwhile
                    yield
                    return

    async def _read(self, name: str, work: Callable[[], T]) -> T:
        await self._watch.check()
        try:
            return await self._queue.read(work)
        except NoSuchCollection:
            self._cached.forget(name)
            raise CollectionNotFound(name) from None
        except StoreUnavailable as error:
            self._watch.failed(error)
            raise

    async def _write(self, name: str, work: Callable[[], T]) -> T:
        await self._watch.check()
        try:
            result = await self._queue.write(work)
        except NoSuchCollection:
            self._cached.forget(name)
            raise CollectionNotFound(name) from None
        except (StoreFailure, StoreUnavailable) as error:
            self._watch.failed(error)
            raise
        self._watch.worked()
        return result
