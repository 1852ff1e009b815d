"""Ends calls whose callers do not read their answers, so that the engine works for others."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from jarvis.server.caller import Caller

LOOKS = 10
"""How many times it is looked in the time that a caller has."""


class SlowReaders:
    """Watches callers while something is sent to them; all of them at once costs less than a timer each.

    Args:
        seconds: how long a caller may take nothing of what is being sent to it.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._callers: set[Caller] = set()
        self._timer: asyncio.TimerHandle | None = None

    @contextmanager
    def watching(self, caller: Caller) -> Iterator[None]:
        """Watch a caller while the block runs; `Caller.give_up` is called if it is too slow."""
        self._callers.add(caller)
        if self._timer is None:
            self._look_later()
        try:
            yield
        finally:
            self._callers.discard(caller)

    def _look_later(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds / LOOKS, self._look)

    def _look(self) -> None:
        latest = time.monotonic() - self._seconds
        for caller in self._callers:
            if caller.waits_since is not None and caller.waits_since < latest:
                caller.give_up()
        self._timer = None
        if self._callers:
            self._look_later()
