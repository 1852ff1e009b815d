"""One opened adapter."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from typing import Generic, Self, TypeVar

P = TypeVar("P")


class Instance(Generic[P]):
    """An opened adapter, which one task opens and closes, as some libraries ask for."""

    port: P

    def __init__(self, open_port: Callable[[], AbstractAsyncContextManager[P]], context: Context) -> None:
        self._opened = asyncio.get_running_loop().create_future()
        self._closing = asyncio.Event()
        self._task = asyncio.create_task(self._live(open_port), context=context)

    @classmethod
    async def open(cls, open_port: Callable[[], AbstractAsyncContextManager[P]], context: Context) -> Self:
        """Open an adapter; if that is cancelled, close what has opened of it.

        Args:
            open_port: opens the adapter; the context that it returns closes it.
            context: what the adapter's own tasks belong to, which outlive the one that asks for it.

        Raises:
            Exception: what the adapter raised.
        """
        instance = cls(open_port, context)
        try:
            await asyncio.wait([instance._opened, instance._task], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            instance._task.cancel()
            await asyncio.wait([instance._task])
            raise
        if not instance._opened.done():
            instance._task.result()  # raises what the adapter raised
        return instance

    async def close(self) -> None:
        """Close the adapter, and raise what it raises."""
        self._closing.set()
        await self._task

    async def _live(self, open_port: Callable[[], AbstractAsyncContextManager[P]]) -> None:
        async with open_port() as self.port:
            self._opened.set_result(None)
            await self._closing.wait()
