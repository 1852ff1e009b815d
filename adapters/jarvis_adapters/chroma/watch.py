"""Reports whether Chroma answers, at once, from what was last seen of it."""

import asyncio
from collections.abc import Callable

from jarvis_adapters.chroma.errors import describe
from jarvis_ports.errors import StoreFailure, StoreUnavailable
from jarvis_ports.health import Health


class Watch:
    """Keeps the last failure until something works again.

    Args:
        probe: blocks for some seconds at most; raises where it does not work.
        always: look at it with each question for its health, and not only when it is unwell.
    """

    def __init__(self, probe: Callable[[], None], *, always: bool) -> None:
        self._probe = probe
        self._always = always
        self._message = ""
        self._looking: asyncio.Task[None] | None = None

    def health(self) -> Health:
        """Return what was last seen, and look again."""
        if (self._always or self._message) and self._looking is None:
            self._looking = asyncio.create_task(self._look())
        return Health(ok=not self._message, message=self._message)

    def worked(self) -> None:
        """A write worked."""
        self._message = ""

    def failed(self, error: Exception) -> None:
        """A call failed, of which it may be to blame."""
        if isinstance(error, StoreFailure | StoreUnavailable):
            self._message = str(error)

    async def close(self) -> None:
        """Stop looking."""
        if self._looking is not None:
            await asyncio.wait([self._looking])

    async def _look(self) -> None:
        try:
            await asyncio.to_thread(self._probe)
        except Exception as error:  # noqa: BLE001 - whatever it is, it does not work
            self._message = f"Chroma does not work: {describe(error)}"
        else:
            self._message = ""
        finally:
            self._looking = None
