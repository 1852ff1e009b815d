"""Counts and samples of a recent period, in bounded memory."""

import time
from collections import Counter, deque
from collections.abc import Callable, Hashable
from threading import Lock

import numpy as np

from jarvis_ports.values import Quantiles

MOST_SAMPLES = 4096
"""The most samples of each kind that are kept: the latest ones in the window."""


class Window:
    """Counts of what happened in the last `seconds`, to within a slot of `seconds / slots`.

    Args:
        seconds: how far it reaches back.
        slots: how many parts it has; each part in which something happened takes the memory of a small dict.
        clock: returns the time in seconds.
    """

    def __init__(self, seconds: float, slots: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._slots = slots
        self._clock = clock
        self._start = clock()
        self._kept: deque[tuple[int, Counter[Hashable]]] = deque()
        self._lock = Lock()

    @property
    def observed_seconds(self) -> float:
        """The seconds that it has counted for: `seconds`, or less soon after the start."""
        return min(self._seconds, self._clock() - self._start)

    def add(self, key: Hashable, by: int = 1) -> None:
        """Add to the count of a key; keys must be few."""
        with self._lock:
            slot = self._slot()
            if not self._kept or self._kept[-1][0] != slot:
                self._drop(slot)
                self._kept.append((slot, Counter()))
            self._kept[-1][1][key] += by

    def sums(self) -> Counter[Hashable]:
        """Return the sum of each key."""
        with self._lock:
            self._drop(self._slot())
            total: Counter[Hashable] = Counter()
            for _, counts in self._kept:
                total.update(counts)
            return total

    def _slot(self) -> int:
        return int((self._clock() - self._start) * self._slots / self._seconds)

    def _drop(self, now: int) -> None:
        while self._kept and self._kept[0][0] <= now - self._slots:
            self._kept.popleft()


class Samples:
    """Values of the last `seconds`, at most `MOST_SAMPLES` of them.

    Args:
        seconds: how far they reach back.
        clock: returns the time in seconds.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds = seconds
        self._clock = clock
        self._kept: deque[tuple[float, float]] = deque(maxlen=MOST_SAMPLES)

    def add(self, value: float) -> None:
        """Keep a value."""
        self._kept.append((self._clock(), value))

    def quantiles(self) -> Quantiles | None:
        """Return the percentiles, or None if there is no value."""
        since = self._clock() - self._seconds
        values = [value for when, value in self._kept.copy() if when > since]
        if not values:
            return None
        p50, p95, p99 = np.quantile(values, (0.5, 0.95, 0.99)).tolist()
        return Quantiles(p50, p95, p99)
