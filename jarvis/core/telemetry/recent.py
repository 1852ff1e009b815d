"""What the server did in the last minute."""

import time
from collections.abc import Callable

from jarvis.core.telemetry import metrics
from jarvis.core.telemetry.objectives import Availability
from jarvis.core.telemetry.window import Samples, Window
from jarvis_ports.telemetry import Attributes, Metric
from jarvis_ports.values import Recent

WINDOW_SECONDS = 60
_CALLS, _FAILED, _TOKENS, _HITS, _ASKED = "calls", "failed", "tokens", "hits", "asked"


class RecentFigures:
    """Keeps, of all measurements, what `Recent` reports.

    Args:
        availability: says which calls are promised to work, and which failed.
        clock: returns the time in seconds.
    """

    def __init__(self, availability: Availability, clock: Callable[[], float] = time.monotonic) -> None:
        self._availability = availability
        self._window = Window(WINDOW_SECONDS, WINDOW_SECONDS, clock)
        self._latency = Samples(WINDOW_SECONDS, clock)
        self._first_token = Samples(WINDOW_SECONDS, clock)

    def count(self, metric: Metric, attributes: Attributes, by: int) -> None:
        """Take a count of any metric."""
        if metric is metrics.TOKENS and attributes.get("type") == "output":
            self._window.add(_TOKENS, by)
        elif metric is metrics.CACHE_HITS or metric is metrics.CACHE_MISSES:
            self._window.add((_ASKED, attributes.get("tier")), by)
            if metric is metrics.CACHE_HITS:
                self._window.add(_HITS, by)

    def observe(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """Take a measurement of any metric."""
        if metric is metrics.QUERY_LATENCY:
            self._latency.add(value)
        elif metric is metrics.TIME_TO_FIRST_TOKEN:
            self._first_token.add(value)
        elif metric is metrics.RPC_DURATION and self._availability.covers(attributes):
            self._window.add(_CALLS)
            if self._availability.failed(attributes):
                self._window.add(_FAILED)

    def read(self) -> Recent:
        """Return the figures."""
        sums = self._window.sums()
        # The first tier is asked for every text, and each later one for those that no earlier one had.
        texts = max((number for key, number in sums.items() if isinstance(key, tuple)), default=0)
        return Recent(
            window_seconds=self._window.observed_seconds,
            calls=sums[_CALLS],
            failed_calls=sums[_FAILED],
            latency=self._latency.quantiles(),
            time_to_first_token=self._first_token.quantiles(),
            output_tokens=sums[_TOKENS],
            cache_hit_ratio=sums[_HITS] / texts if texts else None,
        )
