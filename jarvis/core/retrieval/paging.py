"""Long work in parts."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

PAGE = 1000
"""The number of rows that are read, compared or deleted at a time."""


def pages(items: Sequence[T], size: int = PAGE) -> Iterator[Sequence[T]]:
    """Yield the parts of a sequence, of `size` items each; the last one may be shorter."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


async def to_end(work: Coroutine[Any, Any, T]) -> T:
    """Run work to its end, even if the caller is cancelled meanwhile; only then raise the cancellation."""
    task = unattended(asyncio.create_task(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise


def unattended(task: asyncio.Task[T]) -> asyncio.Task[T]:
    """Return a task, of whose error asyncio says nothing in the log if all who waited for it have gone."""

    def seen(task: asyncio.Task[T]) -> None:
        if not task.cancelled():
            task.exception()

    task.add_done_callback(seen)
    return task
