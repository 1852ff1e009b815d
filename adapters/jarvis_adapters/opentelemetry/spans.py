"""Spans, which continue a caller's trace and pass it on."""

import logging
from collections.abc import Mapping
from types import TracebackType

from opentelemetry import trace as api
from opentelemetry.context import Context, attach, get_current
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from jarvis_ports.errors import JarvisError
from jarvis_ports.telemetry import Attributes, Span, SpanKind

W3C = TraceContextTextMapPropagator()
KINDS = {kind: api.SpanKind[kind.name] for kind in SpanKind}

# It warns about every malformed header, and any caller can send as many of those as they like.
logging.getLogger("opentelemetry.trace").setLevel(logging.ERROR)


class SpanBlock:
    """A block and its span, which begins when the block is entered.

    Error messages are not recorded, as they may contain what a caller wrote.
    """

    __slots__ = (
        "_attributes",
        "_before",
        "_context",
        "_kind",
        "_name",
        "_span",
        "_told",
        "_trace",
        "_tracer",
    )

    def __init__(
        self,
        tracer: api.Tracer,
        name: str,
        attributes: Attributes,
        kind: SpanKind,
        trace: Mapping[str, str] | None,
    ) -> None:
        self._tracer = tracer
        self._name = name
        self._attributes = attributes
        self._kind = kind
        self._trace = trace
        self._told = False

    def __enter__(self) -> Span:
        """Begin the span, and make it the current one."""
        self._before: Context = get_current()
        parent = W3C.extract(self._trace, self._before) if self._trace else self._before
        self._span = self._tracer.start_span(self._name, parent, KINDS[self._kind], self._attributes)
        self._context = api.set_span_in_context(self._span, self._before)
        attach(self._context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """End the span; if the block is left in another context, leave that context as it is."""
        if self._told:  # the code in the block knows better what the error means
            pass
        elif isinstance(error, JarvisError):
            self.failed(getattr(error, "reason", type(error).__name__))
        elif isinstance(error, Exception):
            self.failed(type(error).__name__)
        self._span.end()
        if get_current() is self._context:
            attach(self._before)  # detach() logs an error if its token is from another context

    @property
    def trace(self) -> Mapping[str, str]:
        """See `jarvis_ports.telemetry.Span.trace`."""
        headers: dict[str, str] = {}
        W3C.inject(headers, self._context)
        return headers

    def set(self, attributes: Attributes) -> None:
        """See `jarvis_ports.telemetry.Span.set`."""
        self._told = self._told or "error.type" in attributes
        if self._span.is_recording():
            self._span.set_attributes(attributes)

    def failed(self, reason: str) -> None:
        """See `jarvis_ports.telemetry.Span.failed`."""
        self.set({"error.type": reason})
        if self._span.is_recording():
            self._span.set_status(api.StatusCode.ERROR)


class UnsampledBlock:
    """A block within a span that is not sampled: a span of its own would not be worth its cost."""

    def __enter__(self) -> Span:
        """Do nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Do nothing."""

    @property
    def trace(self) -> Mapping[str, str]:
        """See `jarvis_ports.telemetry.Span.trace`: that of the span around it."""
        headers: dict[str, str] = {}
        W3C.inject(headers)
        return headers

    def set(self, attributes: Attributes) -> None:
        """See `jarvis_ports.telemetry.Span.set`."""

    def failed(self, reason: str) -> None:
        """See `jarvis_ports.telemetry.Span.failed`."""
