"""An index that is being made, or that was left incomplete."""

import asyncio

import asyncpg
import numpy as np
import pytest

from jarvis_pgvector import schema
from jarvis_ports.store import Row

ROWS = [Row(f"r{i}", f"text {i}") for i in range(300)]
VECTORS = np.random.default_rng(0).standard_normal((300, 8), dtype=np.float32)


@pytest.fixture
async def old_reader(postgres):
    """A transaction for whose end every index waits."""
    connection = await asyncpg.connect(postgres.url())
    transaction = connection.transaction(isolation="repeatable_read")
    await transaction.start()
    await connection.execute("SELECT FROM pg_class")
    yield transaction
    await connection.close()


@pytest.fixture
def index_state(postgres, spec):
    """Whether the index of the collection is there and valid; None if it is not there."""

    async def state():
        connection = await asyncpg.connect(postgres.url())
        try:
            return await connection.fetchval(
                "SELECT indisvalid FROM pg_index JOIN jarvis.collections "
                "ON indexrelid = to_regclass('jarvis.nearest_' || number) WHERE name = $1",
                spec.name,
            )
        finally:
            await connection.close()

    return state


@pytest.fixture
async def begun(opened, spec, index_state, monkeypatch):
    """A function that fills the collection and has its index begun."""
    monkeypatch.setattr(schema, "EXACT_BELOW", -1)

    async def begun(store):
        await store.create(spec)
        await store.upsert(spec.name, ROWS, VECTORS)
        assert (await store.query(spec.name, VECTORS[3], 1))[0].row == ROWS[3], "all are compared meanwhile"
        async with asyncio.timeout(20):
            while await index_state() is None:
                await asyncio.sleep(0.05)
        assert await index_state() is False

    return begun


async def test_an_index_that_was_left_incomplete_is_made_anew(opened, spec, begun, old_reader, index_state):
    async with opened() as store:
        await begun(store)
    assert await index_state() is False
    await old_reader.rollback()
    async with opened() as store:
        await store.query(spec.name, VECTORS[0], 1)
        await asyncio.wait(store._indexing.values())
        assert await index_state() is True
        assert (await store.query(spec.name, VECTORS[3], 1))[0].row == ROWS[3]
        *_, diagnosis = [step async for step in store.check(spec.name)]
        assert diagnosis.ok


async def test_an_index_that_is_being_made_keeps_nobody_from_a_rebuild(
    opened, spec, begun, old_reader, index_state
):
    async with opened() as store, opened() as other:
        await begun(store)
        async with asyncio.timeout(20):
            async for _ in other.rebuild(spec):
                pass
        assert await index_state() is True, "a rebuild makes the index itself"
        assert (await store.query(spec.name, VECTORS[3], 1))[0].row == ROWS[3]


async def test_an_index_that_is_being_made_keeps_nobody_from_a_drop(opened, spec, begun, old_reader):
    async with opened() as store, opened() as other:
        await begun(store)
        async with asyncio.timeout(20):
            await other.drop(spec.name)
        assert spec not in await store.collections()
