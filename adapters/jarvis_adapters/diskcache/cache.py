"""The cache for the event loop: one thread does everything that touches the file."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from jarvis_adapters.diskcache.settings import DiskCacheSettings
from jarvis_adapters.diskcache.store import Store
from jarvis_ports.health import Health

T = TypeVar("T")

TRANSACTION = 64
"""The number of values written in one transaction; reads get their turn between two transactions."""


@asynccontextmanager
async def running_cache(settings: DiskCacheSettings) -> AsyncIterator["DiskCache"]:
    """Open the file; on exit, close it once everything that was put has been written."""
    store = Store(settings.folder, settings.max_bytes)
    worker = ThreadPoolExecutor(1, thread_name_prefix="jarvis-diskcache")
    cache = DiskCache(store, worker)
    try:
        await cache.call(store.open)
        yield cache
    finally:
        worker.submit(store.close)
        await asyncio.to_thread(worker.shutdown)


class DiskCache:
    """A `Cache` on disk; while the file cannot be used, it finds nothing, and drops what it is given."""

    def __init__(self, store: Store, worker: ThreadPoolExecutor) -> None:
        self._store = store
        self._worker = worker

    async def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """See `jarvis_ports.cache.Cache.get`."""
        return await self.call(self._store.get, list(keys))

    async def put(self, items: Mapping[bytes, bytes]) -> None:
        """See `jarvis_ports.cache.Cache.put`."""
        entries = list(items.items())
        for start in range(0, len(entries), TRANSACTION):
            await self.call(self._store.put, entries[start : start + TRANSACTION])

    async def health(self) -> Health:
        """See `jarvis_ports.cache.Cache.health`."""
        return Health(ok=not self._store.problem, message=self._store.problem)

    async def call(self, work: Callable[..., T], *arguments: Any) -> T:  # noqa: ANN401 - those of the work
        """Run `work` in the thread that owns the file."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, work, *arguments)
