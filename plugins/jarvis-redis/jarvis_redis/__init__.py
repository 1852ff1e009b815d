"""A plugin for Jarvis: the cache `redis`, in a Redis or Valkey that many servers share."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jarvis_plugins import Registry, hookimpl
from jarvis_ports.cache import Cache
from jarvis_redis.settings import RedisCacheSettings


@asynccontextmanager
async def open_redis(settings: RedisCacheSettings) -> AsyncIterator[Cache]:
    """Connect; if that fails, the cache is unhealthy, and keeps nothing until it succeeds."""
    from jarvis_redis.cache import running_cache  # noqa: PLC0415 - imports redis

    async with running_cache(settings) as cache:
        yield cache


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register the cache `redis`."""
    registry.cache("redis", settings=RedisCacheSettings, factory=open_redis)
