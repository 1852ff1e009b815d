"""Telemetry that logs each span and passes a caller's trace on; measurements are dropped."""

import logging
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass

from jarvis_ports.health import Health
from jarvis_ports.telemetry import Attributes, Span, Telemetry

from .settings import Settings

logger = logging.getLogger(__name__)
_around: ContextVar[Mapping[str, str]] = ContextVar("trace")


@asynccontextmanager
async def open_adapter(settings: Settings) -> AsyncIterator[Telemetry]:
    """Open it, and send what is not sent yet when the context is left."""
    yield Adapter(settings)


@dataclass(frozen=True)
class OwnSpan:
    """See `jarvis_ports.telemetry.Span`."""

    trace: Mapping[str, str]

    def set(self, attributes: Attributes) -> None:
        """See the port."""

    def failed(self, reason: str) -> None:
        """See the port."""


class Adapter:
    """See `jarvis_ports.telemetry.Telemetry`."""

    def __init__(self, settings: Settings) -> None:
        self._level = logging.getLevelNamesMapping()[settings.level.upper()]

    def count(self, *_: object) -> None:
        """See the port."""

    def observe(self, *_: object) -> None:
        """See the port."""

    def gauge(self, *_: object) -> None:
        """See the port."""

    @contextmanager
    def span(
        self, name: str, *_: object, trace: Mapping[str, str] | None = None, **__: object
    ) -> Iterator[Span]:
        """See the port."""
        trace = _around.get({}) if trace is None else trace
        token = _around.set(trace)
        start = time.monotonic()
        try:
            yield OwnSpan(trace)
        finally:
            logger.log(self._level, "%s took %.3f s", name, time.monotonic() - start)
            with suppress(ValueError):  # an async generator may be closed in another context
                _around.reset(token)

    def exposition(self, *_: object) -> None:
        """See the port."""

    async def health(self) -> Health:
        """See the port."""
        return Health(ok=True)
