"""Sends to an OTLP endpoint, and logs once that this fails, and once that it works again."""

import logging
import os
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from operator import itemgetter
from threading import Lock, Timer
from typing import TypeVar
from weakref import WeakSet

from opentelemetry.exporter.otlp.proto.grpc.exporter import OTLPExporterMixin
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

logger = logging.getLogger(__name__)

R = TypeVar("R")

RETRY_SECONDS = 15.0
"""Seconds until an endpoint that failed is tried with an empty batch, in case there are no spans to send."""

saying: ContextVar[list[tuple[int, str]]] = ContextVar("saying")
failing: WeakSet["Delivery"] = WeakSet()


def _hear(record: logging.LogRecord) -> bool:
    """Keep what an exporter logs at every failure as the reason for the failure, instead of logging it."""
    said = saying.get(None)
    if said is not None:
        said.append((record.levelno, record.getMessage()))
    return said is None


def _reason(said: Sequence[tuple[int, str]]) -> str:
    return max(said, key=itemgetter(0))[1] if said else "no reason was given"


def _is_news(record: logging.LogRecord) -> bool:
    """Drop reports of a full queue while the cause is known: repeated every 20 s, they would fill the log."""
    return not (failing and str(record.msg).startswith("Queue full"))


# This goes before OpenTelemetry's own filter, which takes failures of traces and of metrics for the same.
logging.getLogger(OTLPExporterMixin.__module__).filters.insert(0, _hear)
logging.getLogger("opentelemetry.sdk._shared_internal").addFilter(_is_news)


class Delivery:
    """The delivery of traces, or of metrics, to an endpoint.

    `problem` says why the last batch did not arrive; it is empty if that batch did. Once the delivery is
    `closed`, it sends and logs nothing more.
    """

    def __init__(self, what: str, endpoint: str) -> None:
        self.problem = ""
        self.closed = False
        self._what = what
        self._endpoint = endpoint
        self._process = os.getpid()
        self._lock = Lock()

    def attempt(self, export: Callable[[], R], failure: R) -> R:
        """Export the batch, and return `failure` if that fails."""
        if os.getpid() != self._process:  # a forked child, such as an engine's, must not use the channel
            return failure
        with self._lock:
            if self.closed:
                return failure
            said: list[tuple[int, str]] = []
            token = saying.set(said)
            try:
                result = export()
            except Exception as error:  # noqa: BLE001 - whatever is wrong, it has not arrived
                said.append((logging.ERROR, f"{type(error).__name__}: {error}"))
                result = failure
            finally:
                saying.reset(token)
            self._tell(_reason(said) if result is failure else "")
        return result

    def _tell(self, problem: str) -> None:
        began, ended = problem and not self.problem, self.problem and not problem
        self.problem = problem
        if began:
            failing.add(self)
            logger.warning("%s do not arrive, and are lost until they do: %s", self._what, problem)
        elif ended:
            failing.discard(self)
            logger.info("%s arrive again at %s", self._what, self._endpoint)


class MetricDelivery(OTLPMetricExporter):
    """Sends metrics."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint, insecure=endpoint.startswith("http:"))
        self.delivery = Delivery("Metrics", endpoint)

    def export(
        self, metrics_data: MetricsData, timeout_millis: float = 10_000, **kwargs: object
    ) -> MetricExportResult:
        """See `MetricExporter`."""
        export = super().export
        return self.delivery.attempt(
            lambda: export(metrics_data, timeout_millis, **kwargs), MetricExportResult.FAILURE
        )

    def shutdown(self, timeout_millis: float = 30_000, **_: object) -> None:
        """Cut off what is being sent, however often it is called."""
        if not self.delivery.closed:
            self.delivery.closed = True
            super().shutdown(timeout_millis)


class SpanDelivery(OTLPSpanExporter):
    """Sends spans; after a failure it checks by itself whether the endpoint is back, as spans may be rare."""

    def __init__(self, endpoint: str) -> None:
        super().__init__(endpoint, insecure=endpoint.startswith("http:"))
        self.delivery = Delivery("Traces", endpoint)
        self._timer: Timer | None = None

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """See `SpanExporter`."""
        export = super().export
        result = self.delivery.attempt(lambda: export(spans), SpanExportResult.FAILURE)
        if (
            self.delivery.problem
            and not self.delivery.closed
            and not (self._timer and self._timer.is_alive())
        ):
            self._timer = Timer(RETRY_SECONDS, self._try_again)
            self._timer.daemon = True
            self._timer.start()
        return result

    def _try_again(self) -> None:
        self._timer = None
        if self.delivery.problem:
            self.export([])

    def shutdown(self, timeout_millis: float = 30_000, **_: object) -> None:
        """Cut off what is being sent, however often it is called."""
        if not self.delivery.closed:
            self.delivery.closed = True
            if self._timer:
                self._timer.cancel()
            super().shutdown(timeout_millis)
