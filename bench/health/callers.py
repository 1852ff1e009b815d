"""Callers that go on until they are told to stop."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from typing import Any

Check = Callable[[], None]
"""Raises RuntimeError where one of the callers has ended."""


@asynccontextmanager
async def calling(callers: Iterable[Coroutine[Any, Any, None]]) -> AsyncIterator[Check]:
    """Run callers, none of whom is to end before the block does.

    Raises:
        RuntimeError: one has ended.
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
