"""What the cache keeps in Redis, and how."""

from jarvis_redis.cache import BATCH

KEY, OTHER = b"\x00" * 32, b"\xff" * 32


async def test_what_one_server_puts_another_gets(redis, open_cache):
    async with open_cache(redis) as one, open_cache(redis) as other:
        await one.put({KEY: b"1"})
        assert await other.get([KEY, OTHER]) == {KEY: b"1"}


async def test_every_key_has_the_prefix_and_the_version_and_ends(redis, open_cache):
    async with open_cache(redis, prefix="team-a", ttl_seconds=100) as cache:
        await cache.put({KEY: b"1"})
    keys = redis.seen.keys()
    assert b"team-a:cache:1:" + KEY in keys
    assert all(key.startswith(b"team-a:cache:1:") for key in keys)
    assert all(0 < redis.seen.ttl(key) <= 100 for key in keys)


async def test_caches_with_different_prefixes_share_nothing(redis, open_cache):
    async with open_cache(redis, prefix="a") as one, open_cache(redis, prefix="b") as other:
        await one.put({KEY: b"1"})
        assert await other.get([KEY]) == {}


async def test_what_the_cache_did_not_write_for_this_key_is_a_miss(redis, open_cache):
    async with open_cache(redis) as cache:
        await cache.put({KEY: b"1", OTHER: b"2"})
        name = b"jarvis:cache:1:"
        good = redis.seen.get(name + KEY)
        redis.seen.set(name + b"of another key", good)
        redis.seen.set(name + b"damaged", good[:-1] + b"3")
        redis.seen.set(name + b"short", b"12")
        redis.seen.set(name + b"pickled", b"\x80\x04K\x01.")
        redis.seen.rpush(name + b"a list", b"1")
        keys = [b"of another key", b"damaged", b"short", b"pickled", b"a list"]
        assert await cache.get([*keys, KEY]) == {KEY: b"1"}
        assert (await cache.health()).ok


async def test_values_travel_in_batches(redis, open_cache):
    items = {b"%d" % i: b"%d" % i * 300 for i in range(10 * BATCH)}
    async with open_cache(redis) as cache:
        await cache.put(items)
        redis.seen.config_resetstat()
        assert await cache.get(list(items)) == items
        assert 10 <= redis.calls("mget") <= 15, "ten, and those that check it"
        assert redis.calls("get") == 0
