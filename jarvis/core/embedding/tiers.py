"""The tiers of the cache: a value comes from the first tier that has it."""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence

from jarvis.core.embedding.values import Vector, pack, unpack
from jarvis.core.lifecycle.component import Component
from jarvis.core.telemetry import metrics
from jarvis.core.telemetry.instruments import Instruments
from jarvis_ports.cache import Cache

logger = logging.getLogger(__name__)

GET_SECONDS, PAUSE_SECONDS = 2.0, 30.0
"""A cache that has not answered for so long is passed over, and then not asked for a while."""
MAX_WAITING = 4096
"""The most values that may wait to be written to one tier; further values are not kept there."""


class Tier:
    """One cache, which is passed over while it is not open, or when it fails.

    Values are written in the background: no answer waits for that.
    """

    def __init__(self, cache: Component[Cache]) -> None:
        self._cache = cache
        self.name = cache.name
        self._waiting: dict[bytes, bytes] = {}
        self._writer: asyncio.Task[None] | None = None
        self._complained = False
        self._asked_again = 0.0

    async def get(self, keys: Sequence[bytes]) -> Mapping[bytes, bytes]:
        """Return the values of those keys that the cache holds."""
        if self._cache.loaded is None or time.monotonic() < self._asked_again:
            return {}
        try:
            async with asyncio.timeout(GET_SECONDS):
                with self._cache.use() as cache:
                    found = await cache.get(keys)
        except Exception as error:  # noqa: BLE001 - whatever the adapter raises, there is a model
            if isinstance(error, TimeoutError):
                self._asked_again = time.monotonic() + PAUSE_SECONDS
            self._complain(error)
            return {}
        return found

    def put(self, items: Mapping[bytes, bytes]) -> None:
        """Have the items written, unless the cache is not open or too many items wait already."""
        if self._cache.loaded is None or len(self._waiting) + len(items) > MAX_WAITING:
            return
        self._waiting.update(items)
        if self._writer is None:
            self._writer = asyncio.create_task(self._write())

    async def flush(self) -> None:
        """Wait until everything that was put is written."""
        while self._writer:
            await asyncio.wait([self._writer])

    async def _write(self) -> None:
        try:
            while self._waiting and self._cache.loaded:
                items, self._waiting = self._waiting, {}
                with self._cache.use() as cache:
                    await cache.put(items)
        except Exception as error:  # noqa: BLE001 - as above
            self._complain(error)
        finally:
            self._writer = None

    def _complain(self, error: Exception) -> None:
        """Log only the first failure: an adapter that keeps its contract has none."""
        if not self._complained:
            logger.warning("%s fails, and is passed over where it does: %r", self._cache, error)
        self._complained = True


class Tiers:
    """Caches in the order in which they are asked."""

    def __init__(self, caches: Sequence[Component[Cache]], instruments: Instruments) -> None:
        self._tiers = [Tier(cache) for cache in caches]
        self._instruments = instruments

    async def get(self, keys: Sequence[bytes], dimension: int) -> dict[bytes, Vector]:
        """Find vectors, and put those that a later tier had into the earlier ones.

        A value that is damaged, or of another dimension, counts as missing.
        """
        found: dict[bytes, Vector] = {}
        for index, tier in enumerate(self._tiers):
            missing = [key for key in keys if key not in found] if found else keys
            if not missing:
                break
            held = await tier.get(missing)
            new = {key: vector for key, value in held.items() if (vector := unpack(value, dimension))}
            for metric, texts in (
                (metrics.CACHE_HITS, len(new)),
                (metrics.CACHE_MISSES, len(missing) - len(new)),
            ):
                self._instruments.count(metric, {"tier": tier.name}, texts)
            if new:
                for earlier in self._tiers[:index]:
                    earlier.put({key: held[key] for key in new})
                found |= new
        return found

    def put(self, vectors: Mapping[bytes, Vector]) -> None:
        """Have new vectors written to every tier."""
        if self._tiers:
            packed = {key: pack(vector) for key, vector in vectors.items()}
            for tier in self._tiers:
                tier.put(packed)

    async def flush(self) -> None:
        """Wait until everything that was put is written."""
        for tier in self._tiers:
            await tier.flush()
