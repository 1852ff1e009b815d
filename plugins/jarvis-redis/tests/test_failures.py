"""A Redis that is down, hangs, is slow, full or refuses: a miss within bounds, and by itself well again."""

import asyncio
import time

import pytest

from jarvis_redis.cache import LONGEST_PAUSE, RedisCache

KEYS = [b"%d" % i for i in range(200)]
ITEMS = {key: key * 100 for key in KEYS}
WAIT = 5.0
"""Seconds within which every lookup ends, also on a busy machine; a hung Redis would hold it for ever."""


async def until(cache, *, ok, within=LONGEST_PAUSE + 10):
    async with asyncio.timeout(within):
        while (health := await cache.health()).ok is not ok:
            await asyncio.sleep(0.05)
    return health.message


class Callers:
    """Callers who look up and put values all the time."""

    def __init__(self, cache: RedisCache) -> None:
        self._cache = cache
        self.slowest = 0.0
        self.hits = 0

    async def run(self):
        while True:
            began = time.monotonic()
            found = await self._cache.get(KEYS)
            self.slowest = max(self.slowest, time.monotonic() - began)
            assert found.items() <= ITEMS.items(), "no value of another key"
            self.hits += len(found)
            await self._cache.put(ITEMS)
            await asyncio.sleep(0.01)

    async def found_more(self):
        hits = self.hits
        async with asyncio.timeout(10):
            while self.hits == hits:
                await asyncio.sleep(0.05)


@pytest.fixture
async def beside():
    """Run eight callers beside the test; none of them may fail."""
    async with asyncio.TaskGroup() as group:
        tasks = []

        def begin(cache):
            callers = Callers(cache)
            tasks.extend(group.create_task(callers.run()) for _ in range(8))
            return callers

        yield begin
        for task in tasks:
            assert not task.done() or task.result()
            task.cancel()


async def test_killed_beside_callers(redis, open_cache, beside):
    async with open_cache(redis, timeout_seconds=0.5) as cache:
        callers = beside(cache)
        await callers.found_more()
        redis.process.kill()
        assert f"127.0.0.1:{redis.port}: " in await until(cache, ok=False)
        await asyncio.sleep(1.5)
        with redis.running():
            await until(cache, ok=True)
            await callers.found_more()
            assert callers.slowest < WAIT


async def test_restarted_between_two_requests(redis, open_cache, monkeypatch):
    monkeypatch.setattr("jarvis_redis.cache.CHECK_SECONDS", 60.0)
    async with open_cache(redis) as cache:
        redis.process.kill()
        redis.process.wait()
        with redis.running():
            await asyncio.sleep(0.1)  # in which the loop hears that the connection was closed
            await cache.put(ITEMS)
            assert await cache.get(KEYS) == ITEMS, "no broken connection is used"


async def test_stopped_beside_callers(redis, open_cache, beside):
    async with open_cache(redis, timeout_seconds=0.5) as cache:
        callers = beside(cache)
        await callers.found_more()
        redis.hang()
        assert "no answer within 0.5 s" in await until(cache, ok=False)
        began = time.monotonic()
        for _ in range(100):
            assert await cache.get(KEYS) == {}
        assert time.monotonic() - began < WAIT, "only the first ones wait"
        redis.go_on()
        await until(cache, ok=True)
        await callers.found_more()
        assert callers.slowest < WAIT


async def test_down_at_the_start(redis, open_cache):
    redis.process.kill()
    redis.process.wait()
    async with open_cache(redis) as cache:
        assert f"127.0.0.1:{redis.port}: " in await until(cache, ok=False)
        await cache.put(ITEMS)
        assert await cache.get(KEYS) == {}
        with redis.running():
            await until(cache, ok=True)
            await cache.put(ITEMS)
            assert await cache.get(KEYS) == ITEMS


async def test_slow(redis, open_cache, proxy):
    url = "redis://127.0.0.1:{}/0"
    async with proxy(redis) as (port, replies), open_cache(url.format(port), timeout_seconds=1) as cache:
        await cache.put(ITEMS)
        assert await cache.get(KEYS) == ITEMS
        replies.clear()
        began = time.monotonic()
        assert await cache.get(KEYS) == {}
        assert time.monotonic() - began < WAIT
        assert "no answer within 1 s" in await until(cache, ok=False)
        replies.set()
        await until(cache, ok=True)
        assert await cache.get(KEYS) == ITEMS


async def test_full(redis, open_cache):
    async with open_cache(redis) as cache:
        await cache.put(ITEMS)
        redis.seen.config_set("maxmemory", 1)
        await cache.put({b"more": b"1"})
        assert "used memory > 'maxmemory'" in await until(cache, ok=False)
        assert await cache.get([b"more", *KEYS]) == ITEMS, "what it has is found"
        redis.seen.config_set("maxmemory", 0)
        await until(cache, ok=True)
        await cache.put({b"more": b"1"})
        assert await cache.get([b"more"]) == {b"more": b"1"}


async def test_a_replica_and_a_cluster_are_refused(redis, start_redis, open_cache):
    cluster = start_redis("--cluster-enabled", "yes")
    cluster.seen.execute_command("CLUSTER", "ADDSLOTS", *range(16384))
    async with asyncio.timeout(20):
        while b"cluster_state:ok" not in cluster.seen.execute_command("CLUSTER", "INFO"):
            await asyncio.sleep(0.1)
    async with open_cache(cluster) as cache:
        assert "to the same slot" in (await cache.health()).message
        assert await cache.get(KEYS) == {}
    redis.seen.replicaof("127.0.0.1", str(cluster.port))
    async with open_cache(redis) as cache:
        assert "read only replica" in (await cache.health()).message
        redis.seen.replicaof("NO", "ONE")
        await until(cache, ok=True)
