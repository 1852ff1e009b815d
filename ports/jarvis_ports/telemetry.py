"""The port of telemetry: what operators see of the server."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from jarvis_ports.health import Health

Attributes = Mapping[str, str | bool | int | float | tuple[str, ...]]
"""Attributes by name. The attributes of a metric are its labels: strings with few different values."""
Reading = tuple[float, Attributes]
"""One value of a gauge."""


class MetricKind(StrEnum):
    """How a metric is measured."""

    COUNTER = "counter"
    HISTOGRAM = "histogram"
    GAUGE = "gauge"


@dataclass(frozen=True)
class Metric:
    """What is measured.

    Attributes:
        name: as OpenTelemetry names metrics: lower case, with dots.
        unit: in UCUM (https://ucum.org): `s`, `By`, `1`, or the things counted in braces, such as `{token}`.
        attributes: the names of its labels; each measurement has some of them, and no others.
        buckets: the upper bounds of a histogram's buckets, ascending, without infinity.
    """

    kind: MetricKind
    name: str
    unit: str
    description: str
    attributes: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


class SpanKind(StrEnum):
    """The side of a call that a span covers."""

    SERVER = "server"
    INTERNAL = "internal"
    CLIENT = "client"


class Span(Protocol):
    """A part of the work on a call."""

    @property
    def trace(self) -> Mapping[str, str]:
        """The W3C trace context headers for calls made within the span; empty if there is no trace."""
        ...

    def set(self, attributes: Attributes) -> None:
        """Add attributes."""
        ...

    def failed(self, reason: str) -> None:
        """Mark the span as failed, with the reason as its `error.type`.

        A `JarvisError` that leaves its block does so by itself, if no `error.type` was set.
        """
        ...


@dataclass(frozen=True)
class Exposition:
    """All metrics, as a scraper reads them."""

    content_type: str
    body: bytes


class Telemetry(Protocol):
    """Takes measurements. No method raises or waits, whatever happens to the measurements.

    All methods may be called from any thread.
    """

    def count(self, metric: Metric, attributes: Attributes, by: int = 1) -> None:
        """Add to a counter."""
        ...

    def observe(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """Put a value, in the metric's unit, into a histogram."""
        ...

    def gauge(self, metric: Metric, read: Callable[[], Iterable[Reading]]) -> None:
        """Register a gauge to be read whenever the metrics are wanted; `read` may run in another thread.

        A second `read` for the same metric replaces the first.
        """
        ...

    def span(
        self,
        name: str,
        attributes: Attributes,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        trace: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[Span]:
        """Trace a block, within the span around it.

        Args:
            name: what the block does; it must have few different values.
            attributes: those that are known from the start.
            kind: the side of a call that it covers.
            trace: W3C trace context headers, to continue a caller's trace.
        """
        ...

    def exposition(self, accept: str = "") -> Exposition | None:
        """Return all metrics, including those of libraries in this process; None if there are none to scrape.

        This takes milliseconds: call it in a thread of its own.

        Args:
            accept: the scraper's `Accept` header.
        """
        ...

    async def health(self) -> Health:
        """Return at once whether the measurements arrive at their destination."""
        ...
