"""When an adapter is opened again, and how often."""

DELAYS = (1.0, 2.0, 5.0)
"""Seconds to wait before each of several restarts in a row; the last delay repeats."""
UNENDING_DELAYS = (*DELAYS, 15.0, 30.0)
"""The same, where there is no end of them."""
MOST = 10
"""So many restarts in a row are tried, where there is an end of them."""
WELL_SECONDS = 600.0
"""A restart after which the adapter was open for so long ends the row."""


class Restarts:
    """The restarts of one adapter.

    Args:
        unending: whether it is opened again however often that fails.

    Attributes:
        total: how many there have been.
    """

    def __init__(self, *, unending: bool = False) -> None:
        self._unending = unending
        self.total = 0
        self._in_a_row = 0

    @property
    def spent(self) -> bool:
        """Whether no further restart is tried."""
        return self._in_a_row >= MOST and not self._unending

    @property
    def delay(self) -> float:
        """The seconds to wait before the next restart."""
        delays = UNENDING_DELAYS if self._unending else DELAYS
        return delays[min(self._in_a_row, len(delays) - 1)]

    def closed(self, open_seconds: float) -> None:
        """Take note that the adapter was open for so many seconds."""
        if open_seconds >= WELL_SECONDS:
            self._in_a_row = 0

    def began(self) -> None:
        """Count a restart."""
        self.total += 1
        self._in_a_row += 1
