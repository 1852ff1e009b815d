"""Sets up the SDK, and shuts it down within a time limit."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from threading import Thread

from opentelemetry.exporter.prometheus import PrometheusMetricReader
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, ParentBasedTraceIdRatio
from prometheus_client import CollectorRegistry

from jarvis_adapters.opentelemetry.delivery import MetricDelivery, SpanDelivery
from jarvis_adapters.opentelemetry.measures import Measures
from jarvis_adapters.opentelemetry.page import Page
from jarvis_adapters.opentelemetry.settings import OpenTelemetrySettings
from jarvis_adapters.opentelemetry.telemetry import OpenTelemetry
from jarvis_ports.errors import StartupError
from jarvis_ports.telemetry import Telemetry

SCOPE = "jarvis"
SCHEMA_URL = "https://opentelemetry.io/schemas/1.45.0"
"""The version of OpenTelemetry's conventions whose names the server uses."""
CLOSE_SECONDS = 4.0
"""Seconds that sending what is left may take; after that, it is cut off."""
CUT_SECONDS = 1.0


class ParentsReader(PeriodicExportingMetricReader):
    """Exports only in the process that opened it: a forked child, such as an engine's, exports nothing."""

    def _at_fork_reinit(self) -> None:
        pass


@asynccontextmanager
async def running_telemetry(settings: OpenTelemetrySettings) -> AsyncIterator[Telemetry]:
    """Set up separate providers, as one process may run several servers; see `open_opentelemetry`."""
    try:
        deliveries = _deliveries(settings)
        telemetry, providers = _assemble(settings, deliveries)
    except (ValueError, RuntimeError) as error:
        msg = f"OpenTelemetry: {error}; check the variables OTEL_* of the environment"
        raise StartupError(msg) from error
    try:
        yield telemetry
    finally:
        await asyncio.to_thread(_close, providers, deliveries)


def _deliveries(settings: OpenTelemetrySettings) -> list[SpanDelivery | MetricDelivery]:
    if not settings.otlp_endpoint:
        return []
    spans = SpanDelivery(settings.otlp_endpoint)
    return [spans, MetricDelivery(settings.otlp_endpoint)] if settings.otlp_metrics else [spans]


def _assemble(
    settings: OpenTelemetrySettings, deliveries: Sequence[SpanDelivery | MetricDelivery]
) -> tuple[OpenTelemetry, list[TracerProvider | MeterProvider]]:
    resource = Resource.create({SERVICE_NAME: settings.service_name})
    sends = bool(settings.otlp_endpoint)
    sampler = ParentBasedTraceIdRatio(settings.sampling) if sends else ParentBased(ALWAYS_OFF)
    traces = TracerProvider(sampler, resource, shutdown_on_exit=False)
    registry = CollectorRegistry()
    readers: list[MetricReader] = []
    if settings.prometheus:
        readers.append(
            PrometheusMetricReader(disable_target_info=True, scope_info_enabled=False, registry=registry)
        )
    for delivery in deliveries:
        if isinstance(delivery, SpanDelivery):
            traces.add_span_processor(BatchSpanProcessor(delivery))
        else:
            readers.append(ParentsReader(delivery, settings.export_seconds * 1000))
    metrics = MeterProvider(readers, resource, shutdown_on_exit=False)
    telemetry = OpenTelemetry(
        Measures(metrics.get_meter(SCOPE, schema_url=SCHEMA_URL)),
        traces.get_tracer(SCOPE, schema_url=SCHEMA_URL),
        Page(registry) if settings.prometheus else None,
        [delivery.delivery for delivery in deliveries],
    )
    return telemetry, [traces, metrics]


def _close(
    providers: Sequence[TracerProvider | MeterProvider], deliveries: Sequence[SpanDelivery | MetricDelivery]
) -> None:
    closing = [Thread(target=provider.shutdown, daemon=True) for provider in providers]
    for thread in closing:
        thread.start()
    _join(closing, CLOSE_SECONDS)
    for delivery in deliveries:
        delivery.shutdown()
    _join(closing, CUT_SECONDS)


def _join(threads: Sequence[Thread], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
