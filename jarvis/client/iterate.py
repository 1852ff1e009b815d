"""Iterates over what callers hand in."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


async def each(items: Iterable[T] | AsyncIterable[T]) -> AsyncGenerator[T, None]:
    """Yield each item; an ordinary iterable may block, as it is read in a thread."""
    if isinstance(items, AsyncIterable):
        async for item in items:
            yield item
        return
    iterator = iter(items)

    def take() -> list[T]:
        return list(islice(iterator, 1))

    while taken := await asyncio.to_thread(take):
        yield taken[0]
