"""The `Telemetry` port on the OpenTelemetry SDK: Prometheus by default, OTLP by configuration."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType

from jarvis_adapters.opentelemetry.settings import OpenTelemetrySettings
from jarvis_plugins import Registry, hookimpl
from jarvis_ports.telemetry import Telemetry


@asynccontextmanager
async def open_opentelemetry(settings: OpenTelemetrySettings) -> AsyncIterator[Telemetry]:
    """Open the adapter; on exit, send what has not been sent yet, for at most 4 s.

    Raises:
        StartupError: an OTEL_* variable of the environment is wrong.
    """
    start = await asyncio.to_thread(_import_start)
    async with start.running_telemetry(settings) as telemetry:
        yield telemetry


def _import_start() -> ModuleType:
    from jarvis_adapters.opentelemetry import start  # noqa: PLC0415 - imports the SDK

    return start


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register `opentelemetry`."""
    registry.telemetry("opentelemetry", settings=OpenTelemetrySettings, factory=open_opentelemetry)
