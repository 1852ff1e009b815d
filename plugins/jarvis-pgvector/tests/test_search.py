"""Above the bound, the index answers, unless a filter leaves few rows."""

import asyncio
from uuid import uuid4

import asyncpg
import numpy as np
import pytest

from jarvis_pgvector import open_pgvector, schema
from jarvis_pgvector.settings import PgvectorSettings
from jarvis_ports.filters import Equals, Range
from jarvis_ports.store import CollectionSpec, IndexSettings, Row

COUNT, DIMENSION = 3000, 16
VECTORS = np.random.default_rng(0).standard_normal((COUNT, DIMENSION), dtype=np.float32)
QUERIES = np.random.default_rng(1).standard_normal((40, DIMENSION), dtype=np.float32)
TRUTH = QUERIES @ (VECTORS / np.linalg.norm(VECTORS, axis=1, keepdims=True)).T


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch):
    monkeypatch.setattr(schema, "EXACT_BELOW", 500)


@pytest.fixture(scope="module")
async def store(postgres):
    async with open_pgvector(PgvectorSettings(url=postgres.url())) as store:
        yield store


@pytest.fixture(scope="module")
async def name(store):
    name = f"c-{uuid4().hex}"
    index = IndexSettings(max_neighbors=16, ef_construction=100, ef_search=100)
    await store.create(CollectionSpec(name, DIMENSION, "model", "1", index))
    rows = [Row(str(i), "text", {"i": i, "rare": i % 100, "half": i % 2}) for i in range(COUNT)]
    await store.upsert(name, rows, VECTORS)
    await flush(store)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(schema, "EXACT_BELOW", 500)
        assert (await store.query(name, VECTORS[7], 1))[0].row.id == "7"
        assert store._indexing, "the first search begins to make the index"
        await asyncio.wait(store._indexing.values())
    return name


async def flush(store):
    """Have the statistics say what has been done; they may lag behind by ten seconds."""
    await store._database.run(lambda connection: connection.execute("SELECT pg_stat_force_next_flush()"))
    await store.collections()


@pytest.fixture
async def scans(postgres, store, name):
    """How often the index of the vectors was read."""
    connection = await asyncpg.connect(postgres.url())

    async def scans():
        await flush(store)
        return await connection.fetchval(
            "SELECT idx_scan FROM pg_stat_user_indexes JOIN jarvis.collections "
            "ON indexrelname = 'nearest_' || number WHERE name = $1",
            name,
        )

    yield scans
    await connection.close()


async def recall(store, name, filter_, passing):
    found = 0
    for query, truth in zip(QUERIES, TRUTH, strict=True):
        hits = await store.query(name, query, 10, filter_)
        similarities = [hit.similarity for hit in hits]
        assert similarities == sorted(similarities, reverse=True)
        best = sorted(passing, key=lambda i: -truth[i])[:10]
        found += len({int(hit.row.id) for hit in hits} & set(best))
    return found / (10 * len(QUERIES))


async def test_the_index_finds_nearly_all_of_the_nearest(store, name, scans):
    before = await scans()
    assert await recall(store, name, None, range(COUNT)) > 0.95
    assert await scans() > before


async def test_a_filter_that_leaves_many_is_searched_by_the_index(store, name, scans):
    before = await scans()
    assert await recall(store, name, Equals("half", 1), range(1, COUNT, 2)) > 0.95
    assert await scans() > before


@pytest.mark.parametrize(
    ("filter_", "passing"),
    [(Equals("rare", 7), range(7, COUNT, 100)), (Range("i", lt=400), range(400))],
)
async def test_what_a_selective_filter_leaves_is_all_compared(store, name, scans, filter_, passing):
    before = await scans()
    assert await recall(store, name, filter_, passing) == 1
    assert await scans() == before


async def test_more_hits_than_the_index_examines_are_found(store, name):
    assert len(await store.query(name, QUERIES[0], 2500)) == 2500
    assert len(await store.query(name, QUERIES[0], COUNT + 1)) == COUNT


async def test_vectors_that_are_too_long_for_an_index_are_all_compared(store):
    name, vectors = (
        f"c-{uuid4().hex}",
        np.random.default_rng(0).standard_normal((600, 2001), dtype=np.float32),
    )
    await store.create(CollectionSpec(name, 2001, "model", "1"))
    await store.upsert(name, [Row(str(i), "text") for i in range(600)], vectors)
    assert (await store.query(name, vectors[77], 1))[0].row.id == "77"
    *_, diagnosis = [step async for step in store.check(name)]
    assert diagnosis.ok
    await store.drop(name)


async def test_a_long_id_and_a_vector_fit_a_page(store):
    name, row = f"c-{uuid4().hex}", Row("世" * 512, "text " * 2000, {"a": "b" * 2000})
    vectors = np.random.default_rng(0).standard_normal((1, 1400), dtype=np.float32)
    await store.create(CollectionSpec(name, 1400, "model", "1"))
    await store.upsert(name, [row], vectors)
    assert (await store.query(name, vectors[0], 1))[0].row == row
    await store.drop(name)
