"""Spans, and how they are continued from a caller's and handed on."""

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

# It warns of each malformed header, which any caller can send as often as they like.
logging.getLogger("opentelemetry.trace").setLevel(logging.ERROR)


class SpanBlock:
    """A block and its span, which begins where the block is entered.

    Messages of errors are not kept: they may hold what a caller wrote.
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
        """Begin the span, and make it the one around what follows."""
        self._before: Context = get_current()
        parent = W3C.extract(self._trace, self._before) if self._trace else self._before
        self._span = self._tracer.start_span(self._name, parent, KINDS[self._kind], self._attributes)
        self._context = api.set_span_in_context(self._span, self._before)
        attach(self._context)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        """End the span; where a block is left in another context, that context stays as it is."""
        if self._told:  # whoever is inside knows better what the error means here
            pass
        elif isinstance(error, JarvisError):
            self.failed(getattr(error, "reason", type(error).__name__))
        elif isinstance(error, Exception):
            self.failed(type(error).__name__)
        self._span.end()
        if get_current() is self._context:
            attach(self._before)  # detach() logs an error where its token is of another context

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
    """A block within a span that is not sampled: no span of its own is worth its cost."""

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
