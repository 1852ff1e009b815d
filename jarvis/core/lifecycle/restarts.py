"""When an adapter is opened again, and how often."""

DELAYS = (1.0, 2.0, 5.0)
"""Seconds to wait before each of several restarts in a row; the last delay repeats."""
MOST = 10
"""So many restarts in a row are tried."""
WELL_SECONDS = 600.0
"""A restart after which the adapter was open for so long ends the row."""


class Restarts:
    """The restarts of one adapter.

    Attributes:
        total: how many there have been.
    """

    def __init__(self) -> None:
        self.total = 0
        self._in_a_row = 0

    @property
    def spent(self) -> bool:
        """Whether no further restart is tried."""
        return self._in_a_row >= MOST

    @property
    def delay(self) -> float:
        """The seconds to wait before the next restart."""
        return DELAYS[min(self._in_a_row, len(DELAYS) - 1)]

    def closed(self, open_seconds: float) -> None:
        """Take note that the adapter was open for so many seconds."""
        if open_seconds >= WELL_SECONDS:
            self._in_a_row = 0

    def began(self) -> None:
        """Count a restart."""
        self.total += 1
        self._in_a_row += 1
