"""Tells callers how busy the server is, for balancers that choose between several: gRPC's ORCA (gRFC A51)."""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Any, NoReturn

import grpc

from jarvis.core.embedding import Embedding
from jarvis.core.routing import Routes
from jarvis.core.routing.model import Model
from jarvis.core.telemetry.window import Window
from jarvis.orca.v3 import orca_pb2
from jarvis_ports.errors import CallerError, JarvisError

logger = logging.getLogger(__name__)

LOAD = "endpoint-load-metrics-bin"
RATE_SECONDS = 10
"""How far back the calls in a second are counted."""
CACHED_SECONDS = 1.0
"""How long those rates are kept: to add them up takes longer than the rest of a report."""
LEAST_INTERVAL = 1.0
"""The fewest seconds between two reports that were asked for on a stream."""
_CALLS, _FAILED = "calls", "failed"

Trailing = tuple[tuple[str, bytes]]


class Load:
    """Knows the load of the server, from its models.

    A report has no figure for what is not known, and none for CPUs and memory: balancers take those for the
    utilisation where the application's own is 0, and a GPU's work shows in neither.

    Args:
        routes: the models.
        embedding: the use case of embedding.
        clock: returns the time in seconds.
    """

    def __init__(
        self, routes: Routes, embedding: Embedding, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._routes = routes
        self._embedding = embedding
        self._clock = clock
        self._window = Window(RATE_SECONDS, RATE_SECONDS, clock)
        self._rates = (0.0, 0.0)
        self._rates_end = 0.0
        self._complained = False

    def began(self) -> None:
        """Count a call."""
        self._window.add(_CALLS)

    def failed(self, error: JarvisError | None = None) -> Trailing:
        """Count a call that failed, unless its caller is to blame; return the metadata with the load.

        Args:
            error: why; None if nobody foresaw it.
        """
        if not isinstance(error, CallerError):
            self._window.add(_FAILED)
        return self.trailing()

    def trailing(self, answered: str | None = None) -> Trailing:
        """Return the metadata with the load.

        Args:
            answered: the model that has just answered the call, which counts as one that still runs: with a
                utilisation of 0, balancers would ignore the report.
        """
        return ((LOAD, self.report(answered).SerializeToString()),)

    def report(self, answered: str | None = None) -> orca_pb2.OrcaLoadReport:
        """Return the load: of several models, that of the fullest."""
        used = self._told(lambda model: model.utilization(int(model.name == answered)))
        cached = self._told(lambda model: model.kv_cache_usage)
        calls, failed = self._per_second()
        report = orca_pb2.OrcaLoadReport(
            application_utilization=max(used, default=0.0), rps_fractional=calls, eps=failed
        )
        if cached:
            report.utilization["kv_cache"] = max(cached)
        report.named_metrics["queued"] = sum(model.waiting for model in self._routes.models)
        report.named_metrics["queued_texts"] = self._embedding.queue_depth
        return report

    def add_to(self, server: grpc.aio.Server) -> None:
        """Add the service that streams the load to those who ask for it beside their calls."""
        handler = grpc.unary_stream_rpc_method_handler(
            self._stream,
            request_deserializer=orca_pb2.OrcaLoadReportRequest.FromString,
            response_serializer=orca_pb2.OrcaLoadReport.SerializeToString,
        )
        name = "xds.service.orca.v3.OpenRcaService"
        handlers = {"StreamCoreMetrics": handler}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(name, handlers),))
        server.add_registered_method_handlers(name, handlers)

    async def _stream(
        self, request: orca_pb2.OrcaLoadReportRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> NoReturn:
        interval = max(LEAST_INTERVAL, request.report_interval.ToNanoseconds() / 1e9)
        while True:
            await context.write(self.report())
            await asyncio.sleep(interval)

    def _told(self, figure: Callable[[Model], float | None]) -> list[float]:
        """Return a figure of every model that has it; one whose adapter raises fails no call."""
        found = []
        for model in self._routes.models:
            try:
                value = figure(model)
            except Exception:
                if not self._complained:
                    logger.exception("%s does not tell its load; more of this is not logged", model)
                self._complained = True
            else:
                found += [] if value is None else [value]
        return found

    def _per_second(self) -> tuple[float, float]:
        """Return the calls in a second, and those that failed."""
        if (now := self._clock()) >= self._rates_end:
            sums, seconds = self._window.sums(), max(1.0, self._window.observed_seconds)
            self._rates = sums[_CALLS] / seconds, sums[_FAILED] / seconds
            self._rates_end = now + CACHED_SECONDS
        return self._rates
