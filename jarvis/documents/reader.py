"""Reads documents where a bad one does no harm."""

import asyncio
import multiprocessing
import os
import resource
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Self

import psutil

from jarvis.documents.kinds import Format, describe
from jarvis.documents.read import read
from jarvis.documents.types import Text
from jarvis_ports.errors import DocumentUnreadable

MEMORY = 2 << 30
"""Bytes that the process that reads HTML, PDF and notebooks may take beside those that it begins with."""
_APART = {Format.HTML, Format.PDF, Format.NOTEBOOK}


class Reader:
    """Reads HTML, PDF and notebooks in a process of its own, one at a time, and other documents in a thread.

    A document that takes longer than `timeout` seconds, or more than `MEMORY`, is unreadable; its process is
    ended, and the next document gets a new one. An async context manager.
    """

    def __init__(self, timeout: float = 60.0) -> None:
        self._timeout = timeout
        self._lock = asyncio.Lock()
        self._pool: ProcessPoolExecutor | None = None
        self._pid = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        async with self._lock:
            await self._end()

    async def read(
        self, data: bytes, source: str, media_type: str | None, language: str | None = None
    ) -> Text:
        """Do what `jarvis.documents.read` does.

        Raises:
            DocumentUnreadable: as there, or it takes too long or too much memory.
        """
        if describe(data, source, media_type).format not in _APART:
            return await asyncio.to_thread(read, data, source, media_type, language)
        async with self._lock:
            try:
                return await self._read(data, source, media_type, language)
            except TimeoutError:
                msg = f"{source} cannot be read in {self._timeout:g} seconds"
            except MemoryError:
                msg = f"{source} takes too much memory to read"
            except BrokenProcessPool:
                self._pid = 0
                msg = f"{source} ended the process that read it: it is damaged, or takes too much memory"
            except asyncio.CancelledError:
                await self._end()
                raise
            await self._end()
        raise DocumentUnreadable(msg)

    async def _read(self, data: bytes, source: str, media_type: str | None, language: str | None) -> Text:
        run = asyncio.get_running_loop().run_in_executor
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, context, _begin, (os.getpid(),))
            self._pid = await run(self._pool, os.getpid)
        return await asyncio.wait_for(
            run(self._pool, read, data, source, media_type, language), self._timeout
        )

    async def _end(self) -> None:
        pool, self._pool = self._pool, None
        if pool:
            if self._pid:
                with suppress(ProcessLookupError):
                    os.kill(self._pid, signal.SIGKILL)
            await asyncio.to_thread(pool.shutdown, cancel_futures=True)


def _begin(server: int) -> None:
    """Prepare the process that reads: it ends soon after the server, however that ended."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the server ends it
    most = psutil.Process().memory_info().vms + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.getrlimit(resource.RLIMIT_AS)[1]))
    threading.Thread(target=_watch, args=(server,), name="end-with-parent", daemon=True).start()


def _watch(server: int) -> None:
    while os.getppid() == server:
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGKILL)
