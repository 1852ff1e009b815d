"""A collection of many rows is read into memory while Chroma answers, and others write to it."""

import asyncio

import numpy as np
import pytest

from jarvis_adapters.chroma import cached, open_chroma
from jarvis_adapters.chroma.settings import ChromaSettings
from jarvis_ports.errors import StoreUnavailable
from jarvis_ports.store import CollectionSpec, Row

SPEC = CollectionSpec("papers", 8, "model", "1")
ROWS = 3000


def rows(first, number):
    made = [Row(f"r{i}", f"text {i}", {"i": i}) for i in range(first, first + number)]
    return made, np.random.default_rng(first).standard_normal((number, 8), dtype=np.float32)


def embedded(folder, **settings):
    return open_chroma(ChromaSettings(path=str(folder), **settings))


@pytest.fixture(scope="module")
def filled(tmp_path_factory):
    """A folder with rows; no test adds any that it does not delete."""
    folder = tmp_path_factory.mktemp("chroma")

    async def fill():
        async with embedded(folder, in_memory_below=0) as store:
            await store.create(SPEC)
            await store.upsert("papers", *rows(0, ROWS))

    asyncio.run(fill())
    return folder


@pytest.fixture(autouse=True)
def many_are_few(monkeypatch):
    monkeypatch.setattr(cached, "EXACT_BELOW", 1000)


def entry(store):
    return store._cached.of("papers")


async def loaded(store):
    async with asyncio.timeout(30):
        while entry(store).loading:
            await asyncio.sleep(0.01)


async def test_chroma_answers_until_all_rows_are_in_memory(filled):
    made, vectors = rows(0, ROWS)
    async with embedded(filled) as store:
        answered = 0
        while entry(store).index is None:
            (best, *_) = await store.query("papers", vectors[answered], 3)
            assert best.row == made[answered]
            assert await store.count("papers") == ROWS
            answered += 1
        assert answered > 3
        assert all(segment.codes for segment in entry(store).index._segments.values())
        assert len(entry(store).index) == ROWS
        for number in range(0, ROWS, 100):
            (best, *_) = await store.query("papers", vectors[number], 3)
            assert best.row == made[number]


async def test_what_is_written_and_deleted_meanwhile_is_right_in_memory(filled):
    new, vectors = rows(ROWS, 200)
    changed = [Row(f"r{i}", "changed", {"i": -1}) for i in range(0, ROWS, 30)]
    old, old_vectors = rows(0, ROWS)
    async with embedded(filled) as store:
        await store.count("papers")
        assert entry(store).loading
        await store.upsert("papers", new, vectors)
        await store.upsert("papers", changed, old_vectors[::30])
        await store.delete("papers", [row.id for row in old[1::30]])
        await loaded(store)
        assert entry(store).index is not None
        expected = {row.id: row for row in [*old, *new, *changed]}
        for row in old[1::30]:
            del expected[row.id]
        there = {row.id: row async for page in store.scan("papers") for row in page.rows}
        assert there == expected
        await store.delete("papers", [row.id for row in new])
        await store.upsert("papers", old, old_vectors)


async def test_a_collection_that_is_dropped_meanwhile_is_gone(tmp_path):
    async with embedded(tmp_path, in_memory_below=0) as store:
        await store.create(SPEC)
        await store.upsert("papers", *rows(0, 1200))
    async with embedded(tmp_path) as store:
        await store.count("papers")
        await store.drop("papers")
        await store.create(SPEC)
        assert await store.count("papers") == 0
        await store.upsert("papers", *rows(0, 5))
        await asyncio.sleep(0.3)
        assert await store.count("papers") == 5


async def test_when_chroma_fails_meanwhile_the_next_read_begins_anew(filled, monkeypatch):
    async with embedded(filled) as store:
        read, failed = store._cached.load_page, []

        def fail(name):
            if len(failed) < 1:
                failed.append(name)
                raise StoreUnavailable("gone")
            return read(name)

        monkeypatch.setattr(store._cached, "load_page", fail)
        await store.count("papers")
        await loaded(store)
        assert entry(store).missing
        await store.count("papers")
        await loaded(store)
        assert entry(store).index is not None


async def test_it_closes_while_it_reads(filled):
    async with asyncio.timeout(20):
        async with embedded(filled) as store:
            await store.count("papers")
            assert entry(store).loading


async def test_a_rebuild_is_read_anew(filled):
    async with embedded(filled) as store:
        await store.count("papers")
        await loaded(store)
        async for _ in store.rebuild(SPEC):
            pass
        assert await store.count("papers") == ROWS
        await loaded(store)
        assert len(entry(store).index) == ROWS
