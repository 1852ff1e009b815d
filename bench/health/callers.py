"""Callers that go on until they are stopped."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

Check = Callable[[], None]
"""Raises RuntimeError if one of the callers has ended."""


@asynccontextmanager
async def calling(callers: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[Check]:
    """Run callers, none of which may end before the block does.

    Raises:
        RuntimeError: one of them has ended.
    """
    tasks = [asyncio.create_task(caller) for caller in callers]

    def check() -> None:
        for task in tasks:
            if task.done():
                msg = f"a caller ended: {task.exception()!r}"
                raise RuntimeError(msg)

    try:
        yield check
        check()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
