"""Decides when a model that keeps failing should be left alone, and when to try it again.

A circuit breaker (M. Nygard, Release It!) that refuses nothing: routes try what is open last, so that a
request still reaches a model where all of them are open. That, and one probe at a time, is what libraries of
breakers do not have.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class CircuitBreaker:
    """Closed; open after `failures` in a row; half open `open_seconds` later, for one request at a time.

    Args:
        failures: how many in a row open it.
        open_seconds: how long it stays open.
        clock: tells the time in seconds.
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
        """Whether others should be tried first. Not, where it is time for a probe and none is on its way."""
        if self._opened is None:
            return False
        return self._probing or self._clock() < self._opened + self._open_seconds

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Wrap a request; where it is time for a probe, this is the one."""
        probe = self._opened is not None and not self.open
        self._probing = self._probing or probe
        try:
            yield
        finally:
            if probe:
                self._probing = False

    def succeeded(self) -> None:
        """Close it."""
        self._failures, self._opened = 0, None

    def failed(self) -> None:
        """Count a failure; one that is one too many opens it, or keeps it open."""
        self._failures += 1
        if self._failures >= self._most:
            self._opened = self._clock()
