"""Decides when a model that keeps failing should be left alone, and when to try it again.

This is a circuit breaker (M. Nygard, Release It!) that refuses nothing: routes try a model whose breaker is
open last, so that a request still reaches a model if all breakers are open. Libraries of circuit breakers do
not have that, nor the limit of one probe at a time.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class CircuitBreaker:
    """Opens after `failures` in a row; `open_seconds` later it is half open, for one request at a time.

    Args:
        failures: how many failures in a row open it.
        open_seconds: the seconds for which it stays open.
        clock: returns the time in seconds.
    """

    def __init__(
        self, failures: int, open_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._most = failures
        self._open_seconds = open_seconds
        self._clock = clock
        self._failures = 0
        self._opened: float | None = None
        self._probing = False

    @property
    def open(self) -> bool:
        """Whether other models should be tried first; false if a probe is due and none is on its way."""
        if self._opened is None:
            return False
        return self._probing or self._clock() < self._opened + self._open_seconds

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Wrap a request, which becomes the probe if one is due."""
        probe = self._opened is not None and not self.open
        self._probing = self._probing or probe
        try:
            yield
        finally:
            if probe:
                self._probing = False

    def succeeded(self) -> None:
        """Close the breaker."""
        self._failures, self._opened = 0, None

    def failed(self) -> None:
        """Count a failure; one too many opens the breaker, or keeps it open."""
        self._failures += 1
        if self._failures >= self._most:
            self._opened = self._clock()
