"""The `Cache` port on diskcache: a SQLite file, which outlives the process and may be shared by several."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jarvis_adapters.diskcache.settings import DiskCacheSettings
from jarvis_plugins import Registry, hookimpl
from jarvis_ports.cache import Cache


@asynccontextmanager
async def open_diskcache(settings: DiskCacheSettings) -> AsyncIterator[Cache]:
    """Open the folder; if that fails, the cache is unhealthy, and keeps nothing until opening succeeds."""
    from jarvis_adapters.diskcache.cache import running_cache  # noqa: PLC0415 - imports diskcache

    async with running_cache(settings) as cache:
        yield cache


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register `diskcache`."""
    registry.cache("diskcache", settings=DiskCacheSettings, factory=open_diskcache)
