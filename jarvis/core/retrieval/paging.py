"""Long work in parts."""

import asyncio
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any, TypeVar

T = TypeVar("T")

PAGE = 1000
"""Rows that are read, compared or deleted at once."""


def pages(items: Sequence[T], size: int = PAGE) -> Iterator[Sequence[T]]:
    """Cut a sequence into parts of `size`; the last one may be shorter."""
    for start in range(0, len(items), size):
        yield items[start : start + size]


async def to_end(work: Coroutine[Any, Any, T]) -> T:
    """Do it to its end, even where the caller is cancelled meanwhile; the caller goes then."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
