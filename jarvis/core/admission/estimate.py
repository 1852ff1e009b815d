"""What is known of how long requests take."""

from collections import deque

KEPT = 64
SHARE = 0.1
"""What the newest measurement counts for: a change is half learned after 7 requests."""


class Estimate:
    """A mean of what was measured, in which the newest counts most.

    Attributes:
        value: the mean; None before anything was measured.
    """

    def __init__(self) -> None:
        self.value: float | None = None

    def measured(self, value: float) -> None:
        """Take note of a measurement."""
        self.value = value if self.value is None else self.value + SHARE * (value - self.value)


class Quick:
    """What one in ten of the last measurements stayed below: a time that is hardly ever beaten."""

    def __init__(self) -> None:
        self._kept: deque[float] = deque(maxlen=KEPT)

    @property
    def value(self) -> float:
        """The time; 0 before anything was measured."""
        return sorted(self._kept)[len(self._kept) // 10] if self._kept else 0.0

    def measured(self, value: float) -> None:
        """Take note of a measurement."""
        self._kept.append(value)
