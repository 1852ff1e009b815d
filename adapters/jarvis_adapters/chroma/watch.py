"""Reports immediately whether Chroma works, by what was last seen of it."""

import asyncio
from collections.abc import Callable

from jarvis_adapters.chroma.errors import describe
from jarvis_ports.errors import StoreFailure, StoreUnavailable
from jarvis_ports.health import Health


class Watch:
    """Keeps the last failure until something works again.

    Args:
        probe: raises if Chroma does not work; blocks for a few seconds at most.
        always: whether to probe whenever the health is asked for, and not only after a failure; and before
            each call while Chroma does not answer, which would wait for far longer.
    """

    def __init__(self, probe: Callable[[], None], *, always: bool) -> None:
        self._probe = probe
        self._always = always
        self._message = ""
        self._silent = False
        self._looking: asyncio.Task[None] | None = None

    def health(self) -> Health:
        """Return what was last seen, and start a new probe if necessary."""
        if self._always or self._message:
            self._begin()
        return Health(ok=not self._message, message=self._message)

    async def check(self) -> None:
        """Return at once, unless Chroma did not answer of late: then probe it first.

        Raises:
            StoreUnavailable: it still does not answer.
        """
        if self._silent:
            await asyncio.wait([self._begin()])
            if self._silent:
                raise StoreUnavailable("the Chroma server does not answer")

    def worked(self) -> None:
        """Note that a write worked."""
        self._message = ""

    def failed(self, error: Exception) -> None:
        """Note that a call failed, if Chroma may be to blame."""
        if isinstance(error, StoreFailure | StoreUnavailable):
            self._message = str(error)
        self._silent |= self._always and isinstance(error, StoreUnavailable)

    async def close(self) -> None:
        """Wait for the probe that is running, if any."""
        if self._looking is not None:
            await asyncio.wait([self._looking])

    def _begin(self) -> asyncio.Task[None]:
        """Return the probe that is running, or that begins."""
        if self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return self._looking

    async def _look(self) -> None:
        try:
            await asyncio.to_thread(self._probe)
        except Exception as error:  # noqa: BLE001 - whatever it is, it does not work
            self._message = f"Chroma does not work: {describe(error)}"
        else:
            self._message, self._silent = "", False
        finally:
            self._looking = None
