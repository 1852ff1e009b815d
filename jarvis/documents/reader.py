"""Reads documents so that a bad one does no harm."""

import asyncio
import multiprocessing
import os
import resource
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Self

import psutil

from jarvis.core.text import Text
from jarvis.documents.kinds import Format, describe
from jarvis.documents.read import read
from jarvis.documents.split import split
from jarvis_ports.errors import DocumentUnreadable
from jarvis_toolkit.children import detach, shielded

MEMORY = 2 << 30
"""Bytes that the reading process may take in addition to those that it starts with."""
_APART = {Format.HTML, Format.PDF, Format.NOTEBOOK}
TEXT_BYTES = 1 << 20
"""The most bytes of text, Markdown or code that a thread reads: the work grows at most linearly."""

START_SECONDS = 60.0
"""Seconds to wait for the reading process to start."""
ALIVE_SECONDS = 5.0
"""Seconds to wait for its answer before it gets a document; a dead or stopped process is replaced."""


class Reader:
    """Reads HTML, PDF, notebooks and long texts one at a time in a separate process, others in a thread.

    A document that takes longer than `timeout` seconds, or more than `MEMORY`, is unreadable; its process is
    killed, and the next document gets a new one. The reader is an async context manager.
    """

    split = staticmethod(split)

    def __init__(self, timeout: float = 60.0) -> None:
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._pool: ProcessPoolExecutor | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        async with self._lock:
            await self._end()

    async def read(
        self, data: bytes, source: str, media_type: str | None, language: str | None = None
    ) -> Text:
        """Read a document, as `jarvis.documents.read` does.

        Raises:
            DocumentUnreadable: it cannot be read, or takes too long or too much memory.
        """
        if describe(data, source, media_type).format not in _APART and len(data) <= TEXT_BYTES:
            return await asyncio.to_thread(read, data, source, media_type, language)
        async with self._lock:
            try:
                return await self._read(data, source, media_type, language)
            except TimeoutError:
                msg = f"{source} cannot be read in {self._timeout:g} seconds"
            except MemoryError:
                msg = f"{source} takes too much memory to read"
            except BrokenProcessPool:
                msg = f"{source} ended the process that read it: it is damaged, or takes too much memory"
            except asyncio.CancelledError:
                await self._end()
                raise
            await self._end()
        raise DocumentUnreadable(msg)

    async def _read(self, data: bytes, source: str, media_type: str | None, language: str | None) -> Text:
        pool = await self._alive() or await self._started()
        reading = asyncio.get_running_loop().run_in_executor(pool, read, data, source, media_type, language)
        return await asyncio.wait_for(reading, self._timeout)

    async def _alive(self) -> ProcessPoolExecutor | None:
        """Return the pool if its process answers, else end it, so that the next document is not blamed."""
        if self._pool:
            try:
                answer = asyncio.get_running_loop().run_in_executor(self._pool, os.getpid)
                await asyncio.wait_for(answer, ALIVE_SECONDS)
            except (BrokenProcessPool, TimeoutError):
                await self._end()
        return self._pool

    async def _started(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(1, context, _begin, (os.getpid(),))
        with shielded():  # the first call starts the process
            begun = asyncio.get_running_loop().run_in_executor(self._pool, os.getpid)
        await asyncio.wait_for(begun, START_SECONDS)
        return self._pool

    async def _end(self) -> None:
        pool, self._pool = self._pool, None
        if pool:
            for process in list((pool._processes or {}).values()):  # `kill_workers` comes with Python 3.14
                process.kill()
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)


def _begin(server: int) -> None:
    """Limit the memory of the reading process, and have it exit soon after the server, however that ended."""
    detach(server)
    most = psutil.Process().memory_info().vms + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
