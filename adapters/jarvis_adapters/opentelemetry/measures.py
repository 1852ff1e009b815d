"""Counters, histograms and gauges."""

import logging
from collections.abc import Callable, Iterable
from functools import partial
from math import inf, isfinite
from threading import Lock, Thread
from typing import NamedTuple

from opentelemetry.metrics import CallbackOptions, Meter, Observation

from jarvis_ports.telemetry import Attributes, Metric, MetricKind, Reading

logger = logging.getLogger(__name__)

READ_SECONDS = 1.0
"""Seconds that reading one gauge may take; a scraper waits for all of them (Prometheus for 10 s)."""
REGISTER_SECONDS = 0.01
"""Seconds that a caller waits for a metric to be registered before it continues."""


class Instrument(NamedTuple):
    """The function that records a metric's measurements, and the names of the metric's attributes."""

    record: Callable[[float, Attributes], None]
    names: frozenset[str]


Observe = Callable[[CallbackOptions], list[Observation]]
Labels = frozenset[tuple[str, str | bool | int | float | tuple[str, ...]]]
OVERFLOW: Labels = frozenset({("otel.metric.overflow", True)})
"""The attributes of the series that collects what exceeds `MOST_SERIES`:
https://opentelemetry.io/docs/specs/otel/metrics/sdk/#overflow-attribute"""
MOST_SERIES = 2000
"""The most series that a metric may have; the SDK's default is the same."""


class Sums:
    """The sums of a counter, which the SDK reads: adding to its own counters costs ten times as much."""

    def __init__(self) -> None:
        self._sums: dict[Labels, float] = {}
        self._lock = Lock()

    def add(self, by: float, attributes: Attributes) -> None:
        """Add to the sum of these attributes."""
        key = frozenset(attributes.items())
        with self._lock:
            if key not in self._sums and len(self._sums) >= MOST_SERIES:
                key = OVERFLOW
            self._sums[key] = self._sums.get(key, 0) + by

    def observe(self, _: CallbackOptions) -> list[Observation]:
        """Return all sums."""
        with self._lock:
            found = dict(self._sums)
        return [Observation(value, dict(key)) for key, value in found.items()]


class Measures:
    """Takes measurements; a wrong one is left out, and only a metric's first problem is logged."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._instruments: dict[str, Instrument] = {}
        self._reads: dict[str, Callable[[], Iterable[Reading]]] = {}
        self._reading: dict[str, GaugeReading] = {}
        self._told: set[str] = set()

    def record(self, metric: Metric, kind: MetricKind, value: float, attributes: Attributes) -> None:
        """Take one measurement."""
        try:
            if metric.kind is not kind:
                self._tell(metric, f"it is a {metric.kind}, not a {kind}")
                return
            record, names = self._instruments.get(metric.name) or self._instrument(metric)
            if 0 <= value < inf:
                record(value, attributes if attributes.keys() <= names else self._known(metric, attributes))
            else:
                self._tell(metric, f"{value} was left out")
        except Exception as error:  # noqa: BLE001 - a measurement harms nobody
            self._tell(metric, f"{type(error).__name__}: {error}")

    def gauge(self, metric: Metric, read: Callable[[], Iterable[Reading]]) -> None:
        """Have a gauge read whenever the metrics are wanted."""
        if metric.kind is not MetricKind.GAUGE:
            self._tell(metric, f"it is a {metric.kind}, not a gauge")
            return
        new = metric.name not in self._reads
        self._reads[metric.name] = read
        self._reading.pop(metric.name, None)
        if new:
            self._register(metric, self._meter.create_observable_gauge, partial(self._observe, metric))

    def _instrument(self, metric: Metric) -> Instrument:
        record: Callable[[float, Attributes], None]
        if metric.kind is MetricKind.COUNTER:
            sums = Sums()
            self._register(metric, self._meter.create_observable_counter, sums.observe)
            record = sums.add
        else:
            record = self._meter.create_histogram(
                metric.name,
                metric.unit,
                metric.description,
                explicit_bucket_boundaries_advisory=metric.buckets,
            ).record
        instrument = Instrument(record, frozenset(metric.attributes))
        return self._instruments.setdefault(metric.name, instrument)

    def _register(self, metric: Metric, create: Callable[..., object], observe: Observe) -> None:
        """Register an instrument that the SDK reads; in a thread, as that waits for a gauge being read."""

        def register() -> None:
            try:
                create(metric.name, [observe], metric.unit, metric.description)
            except Exception as error:  # noqa: BLE001 - a metric harms no other
                self._tell(metric, f"{type(error).__name__}: {error}")

        thread = Thread(target=register, name="jarvis-metric", daemon=True)
        thread.start()
        thread.join(REGISTER_SECONDS)

    def _observe(self, metric: Metric, _: CallbackOptions) -> list[Observation]:
        reading = self._reading.get(metric.name)
        if reading and reading.is_alive():
            return []
        reading = self._reading[metric.name] = GaugeReading(self._reads[metric.name])
        reading.start()
        reading.join(READ_SECONDS)
        if reading.is_alive():
            self._tell(metric, f"it was not read within {READ_SECONDS} s")
            return []
        if reading.problem:
            self._tell(metric, reading.problem)
        return [Observation(value, self._known(metric, labels)) for value, labels in reading.values]

    def _known(self, metric: Metric, attributes: Attributes) -> Attributes:
        known = {name: value for name, value in attributes.items() if name in metric.attributes}
        if len(known) < len(attributes):
            self._tell(metric, f"it has no attribute {', '.join(attributes.keys() - known.keys())}")
        return known

    def _tell(self, metric: Metric, problem: str) -> None:
        if metric.name not in self._told:
            self._told.add(metric.name)
            logger.error("metric %s: %s; what else is wrong with it is not told", metric.name, problem)


class GaugeReading(Thread):
    """Reads a gauge in a thread of its own, as a read may hang."""

    def __init__(self, read: Callable[[], Iterable[Reading]]) -> None:
        super().__init__(name="jarvis-gauge", daemon=True)
        self._read = read
        self.values: list[Reading] = []
        self.problem = ""

    def run(self) -> None:
        """Read the gauge."""
        try:
            for value, attributes in self._read():
                if isfinite(value):
                    self.values.append((value, dict(attributes)))
                else:
                    self.problem = f"{value} was left out"
        except Exception as error:  # noqa: BLE001 - a gauge harms no other
            self.problem = f"{type(error).__name__}: {error}"
