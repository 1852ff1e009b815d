"""The `Telemetry` port without telemetry: measurements are dropped, and a caller's trace is passed on."""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field

from jarvis_plugins import AdapterSettings, Registry, hookimpl
from jarvis_ports.health import Health
from jarvis_ports.telemetry import Attributes, Span, Telemetry

_around: ContextVar[Mapping[str, str]] = ContextVar("trace")


@dataclass(frozen=True)
class _Span:
    trace: Mapping[str, str] = field(default_factory=dict)

    def set(self, attributes: Attributes) -> None:
        pass

    def failed(self, reason: str) -> None:
        pass


class NoTelemetry:
    """A `Telemetry` that drops what it is given."""

    def count(self, *_: object) -> None:
        """See the port."""

    def observe(self, *_: object) -> None:
        """See the port."""

    def gauge(self, *_: object) -> None:
        """See the port."""

    @contextmanager
    def span(self, *_: object, trace: Mapping[str, str] | None = None, **__: object) -> Iterator[Span]:
        """See the port."""
        known = trace if trace is not None else _around.get({})
        token = _around.set(known)
        try:
            yield _Span(known)
        finally:
            with suppress(ValueError):  # an async generator may be closed in another context
                _around.reset(token)

    def exposition(self, *_: object) -> None:
        """See the port."""

    async def health(self) -> Health:
        """See the port."""
        return Health(ok=True)


@asynccontextmanager
async def open_no_telemetry(_: AdapterSettings) -> AsyncIterator[Telemetry]:
    """Open a `NoTelemetry`."""
    yield NoTelemetry()


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register `none`."""
    registry.telemetry("none", settings=AdapterSettings, factory=open_no_telemetry)
