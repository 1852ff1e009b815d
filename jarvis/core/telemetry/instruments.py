"""The instruments that the core and the server measure with."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from jarvis.core.telemetry.figures import Budget, Objective
from jarvis.core.telemetry.guard import Guard, GuardedSpan
from jarvis.core.telemetry.objectives import NOTHING_PROMISED, Availability, Budgets
from jarvis.core.telemetry.recent import RecentFigures
from jarvis_ports.telemetry import Attributes, Exposition, Metric, Reading, Span, SpanKind, Telemetry
from jarvis_ports.values import Recent


class Instruments:
    """A `Telemetry` that passes everything on to an adapter, and keeps what `GetStatus` needs.

    Until an adapter is connected, nothing is passed on, but gauges are kept for it. An adapter must not
    raise; if it does, the first error is logged, and none goes any further.

    Args:
        objectives: the service-level objectives.
        availability: says which calls are promised to work, and which failed.
        clock: returns the time in seconds.
    """

    def __init__(
        self,
        objectives: Sequence[Objective] = (),
        availability: Availability = NOTHING_PROMISED,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._telemetry: Telemetry | None = None
        self._guard = Guard()
        self._gauges: dict[Metric, Callable[[], Iterable[Reading]]] = {}
        self._recent = RecentFigures(availability, clock)
        self._budgets = Budgets(objectives, availability, clock)

    @contextmanager
    def connected(self, telemetry: Telemetry) -> Iterator[None]:
        """Pass everything on to an adapter while the block runs."""
        self._telemetry, self._guard = telemetry, Guard()
        for metric, read in self._gauges.items():
            self._read_by(telemetry, metric, read)
        try:
            yield
        finally:
            self._telemetry = None

    def count(self, metric: Metric, attributes: Attributes, by: int = 1) -> None:
        """See `Telemetry.count`."""
        self._recent.count(metric, attributes, by)
        if telemetry := self._telemetry:
            with self._guard:
                telemetry.count(metric, attributes, by)

    def observe(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """See `Telemetry.observe`."""
        self._recent.observe(metric, value, attributes)
        self._budgets.observe(metric, value, attributes)
        if telemetry := self._telemetry:
            with self._guard:
                telemetry.observe(metric, value, attributes)

    def gauge(self, metric: Metric, read: Callable[[], Iterable[Reading]]) -> None:
        """See `Telemetry.gauge`."""
        self._gauges[metric] = read
        if telemetry := self._telemetry:
            self._read_by(telemetry, metric, read)

    def span(
        self,
        name: str,
        attributes: Attributes,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        trace: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[Span]:
        """See `Telemetry.span`."""
        telemetry = self._telemetry
        start = partial(telemetry.span, name, attributes, kind=kind, trace=trace) if telemetry else None
        return GuardedSpan(start, trace or {}, self._guard)

    def exposition(self, accept: str = "") -> Exposition | None:
        """See `Telemetry.exposition`."""
        if telemetry := self._telemetry:
            with self._guard:
                return telemetry.exposition(accept)
        return None

    def recent(self) -> Recent:
        """Return the figures of the last minute."""
        return self._recent.read()

    def budgets(self) -> list[Budget]:
        """Return what is left of each error budget, in the order of the objectives."""
        return self._budgets.read()

    def _read_by(self, telemetry: Telemetry, metric: Metric, read: Callable[[], Iterable[Reading]]) -> None:
        with self._guard:
            telemetry.gauge(metric, read)
