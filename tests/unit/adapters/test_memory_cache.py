from functools import partial

import pytest
from pydantic import ValidationError

from jarvis_adapters.memory_cache import adapter
from jarvis_adapters.memory_cache.adapter import MemoryCacheSettings, open_memory_cache


async def test_what_was_used_last_is_kept():
    async with open_memory_cache(MemoryCacheSettings(max_entries=2)) as cache:
        await cache.put({b"a": b"1", b"b": b"2"})
        await cache.get([b"a"])
        await cache.put({b"c": b"3"})
        assert await cache.get([b"a", b"b", b"c"]) == {b"a": b"1", b"c": b"3"}


async def test_a_value_is_forgotten_after_its_time(monkeypatch):
    now = 0.0
    monkeypatch.setattr(adapter, "TTLCache", partial(adapter.TTLCache, timer=lambda: now))
    async with open_memory_cache(MemoryCacheSettings(ttl_seconds=60)) as cache:
        await cache.put({b"a": b"1"})
        now = 59.0
        assert await cache.get([b"a"]) == {b"a": b"1"}
        now = 60.0
        assert await cache.get([b"a"]) == {}


async def test_two_have_nothing_in_common():
    async with (
        open_memory_cache(MemoryCacheSettings()) as one,
        open_memory_cache(MemoryCacheSettings()) as other,
    ):
        await one.put({b"a": b"1"})
        assert await other.get([b"a"]) == {}


@pytest.mark.parametrize("wrong", [{"max_entries": 0}, {"ttl_seconds": 0}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValidationError):
        MemoryCacheSettings(**wrong)
