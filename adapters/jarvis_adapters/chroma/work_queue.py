"""Does jobs in threads, one after another, with reads before writes."""

import asyncio
import math
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from queue import PriorityQueue
from threading import Thread
from time import monotonic
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE = 0.1
"""Seconds for which a write lets reads go first; without a limit, busy readers would keep writers out."""

Job = tuple[float, int, Callable[[], Any] | None, Future[Any]]
"""When the job is due, a number that orders jobs that are due at the same time, the work, and its outcome."""


class WorkQueue:
    """Threads that do jobs. With one, writes keep their order, and nothing comes between a job's calls."""

    def __init__(self, threads: int) -> None:
        self._jobs: PriorityQueue[Job] = PriorityQueue()
        self._numbers = count()
        self._threads = [Thread(target=self._work, name="chroma", daemon=True) for _ in range(threads)]
        for thread in self._threads:
            thread.start()

    async def read(self, work: Callable[[], T]) -> T:
        """Run a job soon. Once begun, it runs to its end, whether or not its caller still waits."""
        return await asyncio.wrap_future(self._put(monotonic(), work))

    async def write(self, work: Callable[[], T]) -> T:
        """Run a job after the waiting writes, and after the reads of the next `PATIENCE` seconds."""
        return await asyncio.wrap_future(self._put(monotonic() + PATIENCE, work))

    async def close(self) -> None:
        """Finish the waiting jobs, and end the threads."""
        for _ in self._threads:
            self._put(math.inf, None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _put(self, due: float, work: Callable[[], T] | None) -> Future[T]:
        future: Future[T] = Future()
        self._jobs.put((due, next(self._numbers), work, future))
        return future

    def _work(self) -> None:
        while True:
            _, _, work, future = self._jobs.get()
            if work is None:
                return
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(work())
                except Exception as error:  # noqa: BLE001 - it is the caller's
                    future.set_exception(error)
