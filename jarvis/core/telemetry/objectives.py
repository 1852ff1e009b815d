"""What a service-level objective is measured by, and what is left of its error budget."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jarvis.core.telemetry.figures import Budget, Objective
from jarvis.core.telemetry.metrics import QUERY_LATENCY, RPC_DURATION, TIME_TO_FIRST_TOKEN
from jarvis.core.telemetry.window import Window
from jarvis_ports.errors import LimitExceeded
from jarvis_ports.telemetry import Attributes, Metric

AVAILABILITY = "availability"
MEASURED_BY = {
    AVAILABILITY: RPC_DURATION,
    "latency": QUERY_LATENCY,
    "time_to_first_token": TIME_TO_FIRST_TOKEN,
}
"""The metric of each objective, by its name."""

_SLOTS = 720
"""The number of slots in the window of a budget: an hour each over 30 days."""
_EVENTS, _BAD = "events", "bad"


@dataclass(frozen=True)
class Availability:
    """Which calls are promised to work, and which of them have failed, by the labels of `RPC_DURATION`.

    Attributes:
        methods: the prefixes of the methods that are promised to work.
        bad_codes: the status codes that count as the server's failure, unless the caller is over a limit of
            its own.
    """

    methods: tuple[str, ...] = ()
    bad_codes: frozenset[str] = frozenset()

    def covers(self, attributes: Attributes) -> bool:
        """Return whether a call is promised to work."""
        return str(attributes.get("rpc.method", "")).startswith(self.methods)

    def failed(self, attributes: Attributes) -> bool:
        """Return whether a call counts as the server's failure."""
        own = attributes.get("error.type") == LimitExceeded.reason
        return attributes.get("rpc.status_code", "") in self.bad_codes and not own


NOTHING_PROMISED = Availability()
"""No call is promised to work."""


class Budgets:
    """Counts good and bad events since the start, over at most the window of each objective.

    Args:
        objectives: the service-level objectives.
        availability: says which calls are promised to work, and which failed.
        clock: returns the time in seconds.
    """

    def __init__(
        self,
        objectives: Sequence[Objective],
        availability: Availability,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._availability = availability
        self._windows = [(each, Window(each.window_seconds, _SLOTS, clock)) for each in objectives]

    def observe(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """Take a measurement of any metric."""
        for objective, window in self._windows:
            if metric is not MEASURED_BY[objective.name]:
                continue
            if objective.threshold_seconds is not None:
                bad = value > objective.threshold_seconds
            elif self._availability.covers(attributes):
                bad = self._availability.failed(attributes)
            else:
                continue
            window.add(_EVENTS)
            if bad:
                window.add(_BAD)

    def read(self) -> list[Budget]:
        """Return what is left of each budget, in the order of the objectives."""
        found = []
        for objective, window in self._windows:
            sums = window.sums()
            found.append(Budget(objective, window.observed_seconds, sums[_EVENTS], sums[_BAD]))
        return found
