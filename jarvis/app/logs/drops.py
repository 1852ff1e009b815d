"""Counts the records that are not written."""

import threading
from collections.abc import Callable
from contextlib import suppress


class Drops:
    """Counts dropped records, and notifies a callback.

    Args:
        on_drop: called for each one, in the thread that dropped it. What it logs itself is dropped as well,
            or there would be no end. What it raises is ignored.
    """

    def __init__(self, on_drop: Callable[[], object]) -> None:
        self._on_drop = on_drop
        self._lock = threading.RLock()
        self._notifying = threading.local()
        self.total = 0
        self.reported = 0

    @property
    def notifying(self) -> bool:
        """Whether this thread is in `on_drop`."""
        return hasattr(self._notifying, "now")

    def add(self) -> None:
        """Count a dropped record, and call `on_drop` unless this thread is in it."""
        with self._lock:
            self.total += 1
        if self.notifying:
            return
        self._notifying.now = True
        try:
            with suppress(Exception):
                self._on_drop()
        finally:
            del self._notifying.now

    @property
    def unreported(self) -> int:
        """The number of drops that the log has not reported yet."""
        return self.total - self.reported
