"""The tests that every adapter for the `Cache` port passes."""

import asyncio
from typing import Any, ClassVar

import pytest

from jarvis_plugins.registry import Adapter, PortName
from jarvis_plugins.settings import AdapterSettings
from jarvis_plugins.testkit.base import AdapterConformance
from jarvis_plugins.testkit.killed import write_and_kill
from jarvis_ports.cache import Cache

VALUES = {
    "empty": b"",
    "zeros": b"\x00" * 9,
    "not UTF-8": bytes(range(256)),
    "a megabyte": b"\x80\x04" * 2**19,
}
KEPT = {b"kept %d" % i: bytes([i]) * 100 for i in range(100)}


async def write_values(cache: Cache) -> None:
    """Put what must be there afterwards, some of it twice."""
    await cache.put(dict.fromkeys(KEPT, b"an older value"))
    await cache.put(KEPT)


@pytest.mark.asyncio(loop_scope="class")
class CacheConformance(AdapterConformance):
    """Subclass it, name the adapter and its `tight` settings, and run pytest.

    The tests put a few megabytes in all; with `settings`, the cache must have room for all of it.
    """

    port = PortName.CACHE
    tight: ClassVar[dict[str, Any]]
    """Settings with which the cache cannot keep 2,000 values of 4 KiB, but can keep ten."""
    durable: ClassVar[bool] = False
    """Whether what was put is there when the cache is opened again; see `own_settings` too."""

    @pytest.fixture(scope="class")
    @classmethod
    def cache(cls, opened: Cache) -> Cache:
        return opened

    @pytest.fixture
    def tight_settings(self, registered: Adapter[Any]) -> AdapterSettings:
        return registered.settings.model_validate(self.tight)

    async def use(self, adapter: Cache) -> None:
        await adapter.put({b"use": b"1"})
        await adapter.get([b"use"])

    async def test_is_healthy(self, cache: Cache) -> None:
        assert (await cache.health()).ok

    async def test_a_miss_is_left_out(self, cache: Cache) -> None:
        await cache.put({b"here": b"1"})
        assert await cache.get([b"nowhere"]) == {}
        assert await cache.get([b"nowhere", b"here"]) == {b"here": b"1"}

    async def test_nothing_is_asked_and_nothing_is_put(self, cache: Cache) -> None:
        await cache.put({})
        assert await cache.get([]) == {}

    @pytest.mark.parametrize("name", VALUES)
    async def test_values_come_back_as_they_were(self, cache: Cache, name: str) -> None:
        await cache.put({b"value": VALUES[name]})
        found = await cache.get([b"value"])
        assert found == {b"value": VALUES[name]}
        assert {type(part) for pair in found.items() for part in pair} == {bytes}

    async def test_keys_are_any_bytes(self, cache: Cache) -> None:
        keys = [b"\x00", b"\x00\x00", b"\xff\xfe", b"1", b"1.0", b"k" * 64, bytes(range(256))]
        await cache.put({key: b"of " + key for key in keys})
        assert await cache.get(keys) == {key: b"of " + key for key in keys}

    async def test_the_last_value_of_a_key_holds(self, cache: Cache) -> None:
        await cache.put({b"twice": b"first"})
        await cache.put({b"twice": b"second, longer"})
        assert await cache.get([b"twice"]) == {b"twice": b"second, longer"}

    async def test_what_was_put_is_not_changed_from_outside(self, cache: Cache) -> None:
        items = {b"outside": b"1"}
        await cache.put(items)
        items[b"outside"] = b"2"
        (await cache.get([b"outside"]))[b"outside"] = b"3"
        assert await cache.get([b"outside"]) == {b"outside": b"1"}

    async def test_leaves_its_input_as_it_is(self, cache: Cache) -> None:
        items, keys = {b"input": b"1", b"more": b"2"}, [b"more", b"input"]
        await cache.put(items)
        await cache.get(keys)
        assert items == {b"input": b"1", b"more": b"2"}
        assert keys == [b"more", b"input"]

    async def test_many_at_once(self, cache: Cache) -> None:
        parts = [
            {f"{part}-{i}".encode(): f"{part}:{i}".encode() * 20 for i in range(100)} for part in range(10)
        ]

        async def put_and_get(items: dict[bytes, bytes]) -> dict[bytes, bytes]:
            await cache.put(items)
            return await cache.get(list(items))

        assert await asyncio.gather(*(put_and_get(items) for items in parts)) == parts

    async def test_a_cancelled_caller_leaves_it_working(self, cache: Cache) -> None:
        tasks = [asyncio.create_task(cache.put({b"left": b"%d" % i})) for i in range(20)]
        tasks += [asyncio.create_task(cache.get([b"left"])) for _ in range(20)]  # type: ignore[arg-type]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await cache.put({b"left": b"after"})
        assert await cache.get([b"left"]) == {b"left": b"after"}

    async def test_is_bounded_and_what_came_last_is_kept(
        self, registered: Adapter[Any], tight_settings: AdapterSettings
    ) -> None:
        keys = [b"%d" % i for i in range(2000)]
        async with registered.factory(tight_settings) as cache:
            for start in range(0, len(keys), 10):
                await cache.put({key: key * 1024 for key in keys[start : start + 10]})
            assert 0 < len(await cache.get(keys)) < len(keys)
            assert await cache.get(keys[-1:]) == {keys[-1]: keys[-1] * 1024}

    async def test_values_are_there_when_it_is_opened_again(
        self, registered: Adapter[Any], own_settings: dict[str, Any]
    ) -> None:
        self.need_durable()
        settings = registered.settings.model_validate(own_settings)
        async with registered.factory(settings) as cache:
            await write_values(cache)
        async with registered.factory(settings) as cache:
            assert await cache.get([*KEPT]) == KEPT

    async def test_values_survive_a_kill(
        self, registered: Adapter[Any], own_settings: dict[str, Any]
    ) -> None:
        self.need_durable()
        await asyncio.to_thread(write_and_kill, self.port, self.adapter, own_settings, write_values)
        async with registered.factory(registered.settings.model_validate(own_settings)) as cache:
            assert await cache.get([*KEPT]) == KEPT

    def need_durable(self) -> None:
        """Skip the test if the cache keeps nothing."""
        if not self.durable:
            pytest.skip(f"{self.adapter} is not durable, as its test says")

    async def test_is_healthy_after_all_this(self, cache: Cache) -> None:
        assert (await cache.health()).ok
