"""What operators see of a call: its metrics, its span, and its line in the log."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import grpc

from jarvis.core.telemetry import metrics
from jarvis.core.telemetry.instruments import Instruments
from jarvis.server import context as calls
from jarvis.server.errors import INTERNAL, STATUS_CODES
from jarvis_ports.errors import CallerError, Draining, JarvisError, RequestAborted, Unavailable
from jarvis_ports.telemetry import Reading, SpanKind

logger = logging.getLogger("jarvis.calls")

OK, CANCELLED = grpc.StatusCode.OK.name, grpc.StatusCode.CANCELLED.name
SERVERS_FAULTS = {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
"""The codes that mark a server's span as failed: https://opentelemetry.io/docs/specs/semconv/rpc/grpc/"""
CLOCKS = 0.05
"""Seconds by which a caller's clock may see a deadline pass before the server's does."""


class Calls:
    """Measures calls, and counts the streams that are open."""

    def __init__(self, instruments: Instruments) -> None:
        self._instruments = instruments
        self._streams: Counter[str] = Counter()
        instruments.gauge(metrics.ACTIVE_STREAMS, self._active_streams)

    def _active_streams(self) -> Iterator[Reading]:
        for method, number in list(self._streams.items()):
            yield number, {"rpc.method": method}

    @contextmanager
    def measured(self, method: str, *, stream: bool, grpc_context: Any) -> Iterator["calls.Call"]:  # noqa: ANN401
        """Measure the call that the block serves, with `calls.current` set to it; its error passes through.

        Args:
            method: the full name of the method, without a leading slash.
            stream: whether the method streams its answer.
            grpc_context: gRPC's context of the call.
        """
        incoming, started = calls.read(grpc_context), time.monotonic()
        names = {"rpc.system.name": "grpc", "rpc.method": method}
        if stream:
            self._streams[method] += 1
        with self._instruments.span(method, names, kind=SpanKind.SERVER, trace=incoming.trace) as span:
            call = replace(incoming, trace=span.trace)
            calls.current.set(call)
            reason = code = OK
            try:
                yield call
                if grpc_context.time_remaining() == 0:
                    reason = code = self._left(method, grpc_context)
            except JarvisError as error:
                reason, code = error.reason, STATUS_CODES[error.reason].name
                self._refused(method, error, call)
                raise
            except Exception:
                reason = code = INTERNAL
                raise
            except BaseException:
                reason = code = self._left(method, grpc_context)
                raise
            finally:
                if stream:
                    self._streams[method] -= 1
                seconds = time.monotonic() - started
                ended = {"rpc.status_code": code, **({} if code == OK else {"error.type": reason})}
                self._instruments.observe(metrics.RPC_DURATION, seconds, {**names, **ended})
                if code != OK:
                    ended["error.type"] = code
                span.set({**ended, "jarvis.reason": reason, "jarvis.request_id": call.request_id})
                if code in SERVERS_FAULTS:
                    span.failed(code)
                _log(method, code, reason, seconds, call)

    def _refused(self, method: str, error: JarvisError, call: calls.Call) -> None:
        """Count a call that was ended early, or refused before a model answered."""
        begun = "model" in call.facts
        if isinstance(error, RequestAborted) or (begun and isinstance(error, Draining)):
            reason = "abort" if isinstance(error, RequestAborted) else "drain"
            self._instruments.count(metrics.CANCELLATIONS, {"rpc.method": method, "reason": reason})
        elif isinstance(error, CallerError | Unavailable) and not begun:
            self._instruments.count(metrics.REJECTIONS, {"rpc.method": method, "reason": error.reason})

    def _left(self, method: str, grpc_context: Any) -> str:  # noqa: ANN401
        """Count a call that its caller gave up, or whose deadline passed; return its code."""
        remaining = grpc_context.time_remaining()
        late = remaining is not None and remaining < CLOCKS
        reason = "deadline" if late else "caller"
        self._instruments.count(metrics.CANCELLATIONS, {"rpc.method": method, "reason": reason})
        return grpc.StatusCode.DEADLINE_EXCEEDED.name if late else CANCELLED


def _log(method: str, code: str, reason: str, seconds: float, call: calls.Call) -> None:
    """Write the log line of a call."""
    failure = {} if code == OK else {"reason": reason}
    fields = {"method": method, "code": code, **failure, "seconds": round(seconds, 6), **call.facts}
    logger.info("call ended", extra=fields)
