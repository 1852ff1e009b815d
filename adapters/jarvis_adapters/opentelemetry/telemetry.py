"""The `Telemetry` port on the OpenTelemetry SDK."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager

from opentelemetry.trace import Tracer, get_current_span

from jarvis_adapters.opentelemetry.delivery import Delivery
from jarvis_adapters.opentelemetry.measures import Measures
from jarvis_adapters.opentelemetry.page import Page
from jarvis_adapters.opentelemetry.spans import SpanBlock, UnsampledBlock
from jarvis_ports.health import Health
from jarvis_ports.telemetry import Attributes, Exposition, Metric, MetricKind, Reading, Span, SpanKind


class OpenTelemetry:
    """A `Telemetry` that uses the OpenTelemetry SDK.

    Args:
        measures: takes measurements.
        tracer: starts spans.
        page: what is scraped, if anything.
        deliveries: what sends to an OTLP endpoint, if there is one.
    """

    def __init__(
        self, measures: Measures, tracer: Tracer, page: Page | None, deliveries: Sequence[Delivery]
    ) -> None:
        self._measures = measures
        self._tracer = tracer
        self._page = page
        self._deliveries = deliveries

    def count(self, metric: Metric, attributes: Attributes, by: int = 1) -> None:
        """See `jarvis_ports.telemetry.Telemetry.count`."""
        self._measures.record(metric, MetricKind.COUNTER, by, attributes)

    def observe(self, metric: Metric, value: float, attributes: Attributes) -> None:
        """See `jarvis_ports.telemetry.Telemetry.observe`."""
        self._measures.record(metric, MetricKind.HISTOGRAM, value, attributes)

    def gauge(self, metric: Metric, read: Callable[[], Iterable[Reading]]) -> None:
        """See `jarvis_ports.telemetry.Telemetry.gauge`."""
        self._measures.gauge(metric, read)

    def span(
        self,
        name: str,
        attributes: Attributes,
        *,
        kind: SpanKind = SpanKind.INTERNAL,
        trace: Mapping[str, str] | None = None,
    ) -> AbstractContextManager[Span]:
        """See `jarvis_ports.telemetry.Telemetry.span`."""
        around = get_current_span()
        if trace is None and around.get_span_context().is_valid and not around.is_recording():
            return UnsampledBlock()
        return SpanBlock(self._tracer, name, attributes, kind, trace)

    def exposition(self, accept: str = "") -> Exposition | None:
        """See `jarvis_ports.telemetry.Telemetry.exposition`."""
        return self._page.render(accept) if self._page else None

    async def health(self) -> Health:
        """See `jarvis_ports.telemetry.Telemetry.health`."""
        problems = [delivery.problem for delivery in self._deliveries if delivery.problem]
        return Health(ok=not problems, message="; ".join(problems))
