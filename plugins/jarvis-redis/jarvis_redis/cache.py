"""The cache: what it asks of Redis, and what it does when that does not answer."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from zlib import crc32

from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import RedisError, ResponseError

from jarvis_ports.health import Health
from jarvis_redis.connections import CONNECTIONS, make_pool
from jarvis_redis.settings import RedisCacheSettings

VERSION = 1
"""The version of the format of keys and values; a change to either needs a new one."""
BATCH = 128
"""The most values of one command; other requests get their turns between two of them."""
CHECK_SECONDS, LONGEST_PAUSE = 1.0, 8.0
"""How often Redis is tried, and the longest pause between two tries while it does not work."""
PROBES = (b"probe 0", b"probe 1")
"""The keys that are tried. These two are in different slots of a cluster, whose refusal shows in this way."""
CRC_BYTES = 4


@asynccontextmanager
async def running_cache(settings: RedisCacheSettings) -> AsyncIterator["RedisCache"]:
    """Connect, and watch over Redis until the exit."""
    pool = make_pool(settings)
    cache = RedisCache(pool, settings)
    await cache.check()
    watching = asyncio.create_task(cache.watch())
    try:
        yield cache
    finally:
        watching.cancel()
        await asyncio.wait([watching])
        with suppress(RedisError):
            await pool.aclose()


class RedisCache:
    """A `Cache` in Redis. While that does not answer, it finds nothing, and drops what it is given.

    Only `check` asks a Redis that has not answered again, so that no request waits for it twice.
    """

    def __init__(self, pool: ConnectionPool, settings: RedisCacheSettings) -> None:
        self._pool = pool
        self._redis = Redis(connection_pool=pool)
        self._free = asyncio.Semaphore(CONNECTIONS)  # the pool raises where a connection is missing
        self._prefix = f"{settings.prefix}:cache:{VERSION}:".encode()
        self._ttl_seconds = settings.ttl_seconds
        self._timeout_seconds = settings.timeout_seconds
        self._readable = True
        self._problem = ""

    async def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """See `jarvis_ports.cache.Cache.get`."""
        found: dict[bytes, bytes] = {}
        if self._readable:
            async with self._noted():
                for start in range(0, len(keys), BATCH):
                    found |= await self._read(keys[start : start + BATCH])
        return found

    async def put(self, items: Mapping[bytes, bytes]) -> None:
        """See `jarvis_ports.cache.Cache.put`."""
        entries = list(items.items())
        for start in range(0, len(entries), BATCH):
            if self._problem:
                return
            async with self._noted():
                await self._write(entries[start : start + BATCH])

    async def health(self) -> Health:
        """See `jarvis_ports.cache.Cache.health`."""
        return Health(ok=not self._problem, message=self._problem)

    async def watch(self) -> None:
        """Check Redis again and again."""
        pause = CHECK_SECONDS
        while True:
            await asyncio.sleep(pause)
            await self.check()
            pause = min(2 * pause, LONGEST_PAUSE) if self._problem else CHECK_SECONDS

    async def check(self) -> None:
        """Write and read, and take note of whether that works."""
        async with self._noted():
            await self._write((key, b"") for key in PROBES)
            await self._read(PROBES)
            self._readable, self._problem = True, ""
        if self._problem:  # the host's name may stand for another Redis now, and the password be a new one
            async with self._noted():
                await self._pool.disconnect(inuse_connections=False)

    @asynccontextmanager
    async def _noted(self) -> AsyncIterator[None]:
        """Bound how long the block takes, and note its failure instead of raising it."""
        try:
            async with asyncio.timeout(self._timeout_seconds), self._free:
                yield
        except Exception as error:  # noqa: BLE001 - redis-py raises more than its own where a connection breaks
            self._readable = isinstance(error, ResponseError)  # such as: it is full
            late = f"no answer within {self._timeout_seconds:g} s"
            why = late if isinstance(error, TimeoutError) else str(error) or repr(error)
            at = self._pool.connection_kwargs
            where = at.get("path") or f"{at.get('host', 'localhost')}:{at.get('port', 6379)}"
            self._problem = f"{where}: {why}"

    async def _read(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        values = await self._redis.mget([self._prefix + key for key in keys])
        opened = {key: _opened(key, value) for key, value in zip(keys, values, strict=True)}
        return {key: value for key, value in opened.items() if value is not None}

    async def _write(self, items: Iterable[tuple[bytes, bytes]]) -> None:
        pipeline = self._redis.pipeline(transaction=False)
        for key, value in items:
            pipeline.set(self._prefix + key, _sealed(key, value), ex=self._ttl_seconds)
        # What redis-py would raise has the key and the value in its text.
        for reply in await pipeline.execute(raise_on_error=False):
            if isinstance(reply, Exception):
                raise reply


def _sealed(key: bytes, value: bytes) -> bytes:
    """Put a checksum before a value, so that a damaged one, or that of another key, is none."""
    return crc32(key + value).to_bytes(CRC_BYTES, "little") + value


def _opened(key: bytes, sealed: object) -> bytes | None:
    """Return the value, or None if this is not what `_sealed` has made for the key."""
    value = sealed[CRC_BYTES:] if isinstance(sealed, bytes) else b""
    return value if sealed == _sealed(key, value) else None
