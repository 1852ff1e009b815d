"""The port of a cache: bytes in, bytes out."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from jarvis_ports.health import Health


class Cache(Protocol):
    """Keeps bytes by key, within a bound. A value that it has lost or cannot read is a miss, not an error."""

    async def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the values of the keys that it holds."""
        ...

    async def put(self, items: Mapping[bytes, bytes]) -> None:
        """Keep the items; older ones make room. Drop what cannot be kept, and report that in `health`."""
        ...

    async def health(self) -> Health:
        """Return at once whether the cache keeps what it is given."""
        ...
