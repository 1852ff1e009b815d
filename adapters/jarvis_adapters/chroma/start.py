"""Opens and closes Chroma."""

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager

from jarvis_adapters.chroma.process import EngineProcess
from jarvis_adapters.chroma.settings import ChromaSettings
from jarvis_adapters.chroma.store import ChromaStore
from jarvis_adapters.chroma.watch import Watch
from jarvis_adapters.chroma.work_queue import WorkQueue

SERVER_THREADS = 8
"""The number of simultaneous calls to a Chroma server."""
SEARCH_THREADS = 4
"""The number of simultaneous searches in memory."""


@asynccontextmanager
async def opened(settings: ChromaSettings) -> AsyncIterator[ChromaStore]:
    """Open the store; on exit, close it once the waiting jobs are done.

    Raises:
        StoreUnusable: the folder, or the server, cannot be used.
    """
    if settings.host:
        from jarvis_adapters.chroma.server import EngineServer  # noqa: PLC0415 - here alone it is needed

        engine: EngineServer | EngineProcess = EngineServer(settings)
    else:
        engine = EngineProcess(str(settings.kept_in()), settings.hang_seconds)
    await asyncio.to_thread(engine.start)
    queue = WorkQueue(SERVER_THREADS if settings.host else 1)
    watch = Watch(engine.probe, always=bool(settings.host))
    in_memory_below = 0 if settings.host else settings.in_memory_below
    with ThreadPoolExecutor(SEARCH_THREADS, "chroma-search") as searches:
        store = ChromaStore(engine, queue, watch, in_memory_below, searches)
        try:
            yield store
        finally:
            await store.close()
            await watch.close()
            await queue.close()
            await asyncio.to_thread(engine.stop)
