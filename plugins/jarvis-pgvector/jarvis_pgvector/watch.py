"""Reports immediately whether PostgreSQL answers, by what was last seen of it."""

import asyncio
from collections.abc import Awaitable, Callable

from jarvis_ports.errors import StoreUnavailable
from jarvis_ports.health import Health


class Watch:
    """Keeps the last failure until a probe answers.

    Args:
        probe: raises StoreUnavailable if PostgreSQL does not answer within a few seconds.
    """

    def __init__(self, probe: Callable[[], Awaitable[None]]) -> None:
        self._probe = probe
        self._message = ""
        self._looking: asyncio.Task[None] | None = None

    def health(self) -> Health:
        """Return what was last seen, and look again."""
        self._begin()
        return Health(ok=not self._message, message=self._message)

    async def check(self) -> None:
        """Return at once, unless PostgreSQL did not answer of late: then probe it first.

        Raises:
            StoreUnavailable: it still does not answer. A call would have waited for far longer.
        """
        if self._message:
            await asyncio.wait([self._begin()])
            if self._message:
                raise StoreUnavailable(self._message)

    def failed(self, error: StoreUnavailable) -> None:
        """Note that a call was not answered."""
        self._message = str(error)

    async def close(self) -> None:
        """End the probe that is running, if any."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.wait([self._looking])

    def _begin(self) -> asyncio.Task[None]:
        """Return the probe that is running, or that begins."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return self._looking

    async def _look(self) -> None:
        try:
            await self._probe()
        except StoreUnavailable as error:
            self._message = str(error)
        else:
            self._message = ""
        finally:
            self._looking = None
