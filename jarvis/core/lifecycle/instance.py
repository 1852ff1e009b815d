"""One opened adapter."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from contextvars import Context
from typing import Generic, Protocol, Self, TypeVar

from jarvis_ports.errors import EngineDead
from jarvis_ports.health import Health

HEALTH_SECONDS = 30.0
"""An adapter that does not tell its health for so long is unwell."""
CLOSE_SECONDS = 60.0
"""An adapter that does not close for so long is given up."""


class StillOpen(EngineDead):
    """An adapter does not close, so that the next one would lack what it holds."""


class Port(Protocol):
    """What every port has."""

    async def health(self) -> Health:
        """Return at once whether the adapter is well."""
        ...


P = TypeVar("P", bound=Port)


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
            StillOpen: it was cancelled, and does not close for `CLOSE_SECONDS`.
        """
        instance = cls(open_port, context)
        try:
            await asyncio.wait([instance._opened, instance._task], return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            instance._task.cancel()
            await instance._ended()
            raise
        if not instance._opened.done():
            instance._task.result()  # raises what the adapter raised
        return instance

    async def health(self) -> Health:
        """Return whether the adapter is well; one that raises, or is silent for `HEALTH_SECONDS`, is not."""
        asked = asyncio.create_task(self._health())
        try:
            await asyncio.wait([asked], timeout=HEALTH_SECONDS)
            silent = Health(ok=False, message=f"it has not told its health for {HEALTH_SECONDS:g} s")
            return asked.result() if asked.done() else silent
        finally:
            asked.cancel()

    async def _health(self) -> Health:
        try:
            return await self.port.health()
        except Exception as error:  # noqa: BLE001 - whatever it is, others must not notice
            return Health(ok=False, message=f"its health() raised {error!r}")

    async def close(self) -> None:
        """Close the adapter, and raise what it raises.

        Raises:
            StillOpen: it has not closed for `CLOSE_SECONDS`.
        """
        self._closing.set()
        await self._ended()
        self._task.result()

    async def _ended(self) -> None:
        if (await asyncio.wait([self._task], timeout=CLOSE_SECONDS))[1]:
            raise StillOpen(f"it has not closed for {CLOSE_SECONDS:g} s")

    async def _live(self, open_port: Callable[[], AbstractAsyncContextManager[P]]) -> None:
        async with open_port() as self.port:
            self._opened.set_result(None)
            await self._closing.wait()
