"""Counts the last minute with the library `limits`, in memory or in Redis."""

import asyncio
import logging
import time
from typing import Any

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from limits.errors import ConfigurationError

from jarvis.core.metering.limits import MINUTE
from jarvis_ports.extras import how_to_install

logger = logging.getLogger(__name__)

LEAST_WAIT = 0.1
TOLD_SECONDS = 60.0
"""How often it is logged that Redis does not answer."""
ANSWER_SECONDS = 1.0
"""How long Redis may take; nobody is refused because it is slow."""
ASKED_AT_ONCE = 50
"""How many calls to Redis there are at a time, each on a connection of its own: redis-py fails beyond 100."""
PAUSE_SECONDS = 5.0
"""For how long Redis is not asked again after it did not answer."""
NO_ADDRESS = "must be redis://HOST:PORT/NUMBER; in a password, / and # are written as %2F and %23"


class SlidingWindows:
    """Counts what is used in the last minute; see `jarvis.core.metering.Windows`.

    The count is approximate: what was used in the minute before the current one is reckoned as if it had been
    used evenly (https://limits.readthedocs.io/en/stable/strategies.html#sliding-window-counter).

    Args:
        redis: the address of a Redis that several servers share, such as redis://host:6379/0; "" counts in
            memory. While it does not answer, nobody is refused.

    Raises:
        ValueError: that is no address, or the package `redis` is missing.
    """

    def __init__(self, redis: str = "") -> None:
        self._storage: Any = _redis(redis) if redis else MemoryStorage()
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._free = asyncio.Semaphore(ASKED_AT_ONCE)
        self._told = -TOLD_SECONDS
        self._paused_until = 0.0

    async def take(self, limit: str, caller: str, amount: int, most: int) -> float | None:
        """See `jarvis.core.metering.Windows.take`."""
        async with self._free:
            return await self._take(limit, caller, amount, most)

    async def _take(self, limit: str, caller: str, amount: int, most: int) -> float | None:
        if time.monotonic() < self._paused_until:
            return None
        item = RateLimitItemPerMinute(most, namespace=limit)
        try:
            if await self._limiter.hit(item, caller, cost=amount):
                return None
            key = item.key_for(caller)
            before, before_ends, now, now_ends = await self._storage.get_sliding_window(key, MINUTE)
        except self._storage.base_exceptions as error:
            self._tell(error)
            return None
        turns = before_ends if before else now_ends - MINUTE
        return max(LEAST_WAIT, _wait(before, turns, now, most - amount))

    def _tell(self, error: Exception) -> None:
        now = time.monotonic()
        self._paused_until = now + PAUSE_SECONDS
        if now - self._told >= TOLD_SECONDS:
            self._told = now
            logger.warning("limits.redis does not answer, and limits of a minute hold nobody: %s", error)


def _redis(address: str) -> RedisStorage:
    if not address.startswith(("redis://", "rediss://")):
        raise ValueError("must begin with redis:// or rediss://")
    try:
        return RedisStorage(
            f"async+{address}",
            implementation="redispy",
            key_prefix="jarvis",
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
        )
    except ConfigurationError as error:
        wrong = isinstance(error.__cause__, ValueError)  # whose text may have a part of the password
        missing = f"needs the package redis: {how_to_install('redis')}"
        raise ValueError(NO_ADDRESS if wrong else missing) from None


def _wait(before: int, turns: float, now: int, room: int) -> float:
    """Return in how many seconds there will be no more than `room` in the window of the last minute.

    Args:
        before: what was used in the minute before the current one.
        turns: in how many seconds the current minute ends, from when on nothing of that counts any more.
        now: what was used in the current minute.
        room: the most that may be left.
    """
    if before and now <= room:
        return turns - (room - now) * MINUTE / before
    return turns + MINUTE * (1 - room / now) if now else 0.0
