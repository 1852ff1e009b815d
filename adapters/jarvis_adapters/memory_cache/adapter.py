"""Keeps the values that were used last, each for a limited time."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from cachetools import TTLCache
from pydantic import Field

from jarvis_plugins import AdapterSettings
from jarvis_ports.cache import Cache
from jarvis_ports.health import Health


class MemoryCacheSettings(AdapterSettings):
    """Settings of the `memory` cache."""

    max_entries: int = Field(
        5000, ge=1, description="The most values that it keeps; a vector of 384 components is one of 1.5 KB."
    )
    ttl_seconds: float = Field(3600, gt=0, description="Seconds after which a value is forgotten.")


@asynccontextmanager
async def open_memory_cache(settings: MemoryCacheSettings) -> AsyncIterator[Cache]:
    """Open an empty cache."""
    yield MemoryCache(settings)


class MemoryCache:
    """A `Cache` for one event loop; none of its methods waits."""

    def __init__(self, settings: MemoryCacheSettings) -> None:
        self._values: TTLCache[bytes, bytes] = TTLCache(settings.max_entries, settings.ttl_seconds)

    async def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """See `jarvis_ports.cache.Cache.get`."""
        found = ((key, self._values.get(key)) for key in keys)
        return {key: value for key, value in found if value is not None}

    async def put(self, items: Mapping[bytes, bytes]) -> None:
        """See `jarvis_ports.cache.Cache.put`."""
        self._values.update(items)

    async def health(self) -> Health:
        """See `jarvis_ports.cache.Cache.health`."""
        return Health(ok=True)
