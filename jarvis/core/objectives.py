"""What a service-level objective is measured by, and what is left of its error budget."""

import time
from collections.abc import Callable, Collection, Sequence

from jarvis.core.figures import Budget, Objective
from jarvis.core.metrics import QUERY_LATENCY, RPC_DURATION, TIME_TO_FIRST_TOKEN
from jarvis.core.window import Window
from jarvis_ports.telemetry import Attributes, Metric

AVAILABILITY = "availability"
MEASURED_BY = {
    AVAILABILITY: RPC_DURATION,
    "latency": QUERY_LATENCY,
    "time_to_first_token": TIME_TO_FIRST_TOKEN,
}
"""The metric of each objective, by its name."""

SERVICES = ("GenerationService", "EmbeddingService", "RetrievalService")
"""Whose calls are promised to work; what operators ask of ServerService is not."""
_METHODS = tuple(f"jarvis.v1.{service}/" for service in SERVICES)

_SLOTS = 720
"""Of the window of a budget: an hour each over 30 days."""
_EVENTS, _BAD = "events", "bad"


def is_promised(attributes: Attributes) -> bool:
    """Tell whether a call, by the labels of `RPC_DURATION`, is one of `SERVICES`."""
    return str(attributes.get("rpc.method", "")).startswith(_METHODS)


def status_code(attributes: Attributes) -> str:
    """Read how a call ended, from the labels of `RPC_DURATION`."""
    return str(attributes.get("rpc.status_code", ""))


class Budgets:
    """Counts good and bad events since the start, over at most the window of each objective.

    Args:
        objectives: what is promised.
        bad_codes: the status codes that count as the server's failure.
        clock: tells the time in seconds.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        bad_codes: Collection[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._bad_codes = frozenset(bad_codes)
        self._windows = [(each, Window(each.window_seconds, _SLOTS, clock)) for each in objectives]

    def observe(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """Take a measurement of whatever metric."""
        for objective, window in self._windows:
            if metric is not MEASURED_BY[objective.name]:
                continue
            if objective.threshold_seconds is not None:
                bad = value > objective.threshold_seconds
            elif is_promised(attributes):
                bad = status_code(attributes) in self._bad_codes
            else:
                continue
            window.add(_EVENTS)
            if bad:
                window.add(_BAD)

    def read(self) -> list[Budget]:
        """Tell what is left of each, in the order of the objectives."""
        found = []
        for objective, window in self._windows:
            sums = window.sums()
            found.append(Budget(objective, window.observed_seconds, sums[_EVENTS], sums[_BAD]))
        return found
