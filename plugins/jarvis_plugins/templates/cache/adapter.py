"""A cache in memory, which keeps what was put last."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from jarvis_ports.cache import Cache
from jarvis_ports.health import Health

from .settings import Settings


@asynccontextmanager
async def open_adapter(settings: Settings) -> AsyncIterator[Cache]:
    """Open the cache, and close it when the context is left."""
    yield Adapter(settings)


class Adapter:
    """See `jarvis_ports.cache.Cache`."""

    def __init__(self, settings: Settings) -> None:
        self._max_entries = settings.max_entries
        self._values: dict[bytes, bytes] = {}

    async def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """See the port."""
        return {key: self._values[key] for key in keys if key in self._values}

    async def put(self, items: Mapping[bytes, bytes]) -> None:
        """See the port."""
        for key, value in items.items():
            self._values.pop(key, None)  # so that it comes last
            self._values[key] = value
        while len(self._values) > self._max_entries:
            del self._values[next(iter(self._values))]

    async def health(self) -> Health:
        """See the port."""
        return Health(ok=True)
