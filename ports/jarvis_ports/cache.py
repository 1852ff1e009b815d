"""The port of a cache: bytes in, bytes out."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from jarvis_ports.health import Health


class Cache(Protocol):
    """Keeps bytes by key, within a bound. What it has lost or cannot read is a miss, never an error."""

    async def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return those of the keys that it holds."""
        ...

    async def put(self, items: Mapping[bytes, bytes]) -> None:
        """Keep the items; older ones make room. What it cannot keep it drops, and tells in `health`."""
        ...

    async def health(self) -> Health:
        """Return whether it keeps what it is given; answers at once."""
        ...
