"""Works on several items at once, and yields the results in order."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

T = TypeVar("T")
R = TypeVar("R")


async def in_order(
    items: AsyncGenerator[T, None], work: Callable[[T], Coroutine[Any, Any, R]], ahead: int
) -> AsyncGenerator[R, None]:
    """Work on several items at once, and yield the results in the order of the items.

    The first failure, be it in the work or in reading the items, is raised after the results that precede it,
    and ends the work on later items. At most `ahead` items are in progress, or done and not yet taken.
    """
    begun: asyncio.Queue[asyncio.Task[R] | None] = asyncio.Queue()
    free = asyncio.Semaphore(ahead)
    tasks: set[asyncio.Task[Any]] = set()

    async def read() -> None:
        try:
            async with aclosing(items):
                await free.acquire()
                async for item in items:
                    task = asyncio.create_task(work(item))
                    tasks.add(task)
                    begun.put_nowait(task)
                    await free.acquire()
        finally:
            begun.put_nowait(None)

    reading = asyncio.create_task(read())
    tasks.add(reading)
    try:
        while task := await begun.get():
            result = await task
            tasks.discard(task)
            yield result
            free.release()
        await reading
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
