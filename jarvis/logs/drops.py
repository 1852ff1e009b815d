"""Counts the records that are not written."""

import threading
from collections.abc import Callable
from contextlib import suppress


class Drops:
    """How many records were dropped, and who wants to know.

    Args:
        on_drop: is called for each, in the thread that dropped it. What it logs itself is dropped as well: it
            would not end. What it raises is ignored.
    """

    def __init__(self, on_drop: Callable[[], object]) -> None:
        self._on_drop = on_drop
        self._lock = threading.RLock()
        self._telling = threading.local()
        self.total = 0
        self.told = 0

    @property
    def telling(self) -> bool:
        """Whether this thread is in `on_drop`."""
        return hasattr(self._telling, "now")

    def add(self) -> None:
        """Count one."""
        with self._lock:
            self.total += 1
        if self.telling:
            return
        self._telling.now = True
        try:
            with suppress(Exception):
                self._on_drop()
        finally:
            del self._telling.now

    @property
    def untold(self) -> int:
        """How many the log has not told of."""
        return self.total - self.told
