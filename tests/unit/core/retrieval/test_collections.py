"""Whole collections."""

import asyncio
from contextlib import aclosing

import pytest

from jarvis.core.lifecycle.component import Component, WhenUnwell
from jarvis.core.retrieval import Retrieval, RetrievalSettings, collections
from jarvis.core.telemetry.instruments import Instruments
from jarvis_ports.errors import (
    CollectionMismatch,
    CollectionNotFound,
    InvalidArgument,
    ModelLoading,
    NotConfigured,
)
from jarvis_ports.store import CollectionSpec, StoreCheck
from jarvis_ports.values import (
    Diagnosis,
    IndexChanges,
    IndexSettings,
    Progress,
    Row,
    SearchQuery,
    Space,
)


async def spec(store, name):
    return next(one for one in await store.collections() if one.name == name)


async def test_create_does_nothing_where_it_is_there_just_so(setup):
    made = await setup.retrieval.collections.create("more", IndexSettings(ef_search=7))
    assert await spec(setup.store, "more") == CollectionSpec(
        "more", 32, "words", "words-1", IndexSettings(ef_search=7)
    )
    assert (made.name, made.dimension, made.embedder) == ("more", 32, "words")
    assert made.index == IndexSettings(ef_search=7)
    assert await setup.retrieval.collections.create("more", IndexSettings(ef_search=7)) == made
    with pytest.raises(CollectionMismatch, match="space"):
        await setup.retrieval.collections.create("more", IndexSettings(space=Space.L2))
    assert [info.name for info in await setup.retrieval.collections.list()] == ["docs", "more"]


async def test_the_same_model_by_another_name_fits(setup):
    setup.restart(name="renamed")
    assert (await setup.retrieval.collections.create("docs", IndexSettings())).embedder == "words"
    await setup.retrieval.rows.upsert("docs", [Row("a", "x")], [None])


@pytest.mark.parametrize("name", ["", "ab", "_abc", "abc-", "a b c", "x" * 64, "ünf"])
async def test_names_that_are_refused(setup, name):
    with pytest.raises(InvalidArgument, match="name: must have 3 to 63 characters"):
        await setup.retrieval.collections.create(name, IndexSettings())


async def test_index_settings_out_of_range_are_refused(setup):
    with pytest.raises(InvalidArgument) as caught:
        await setup.retrieval.collections.create("ccc", IndexSettings(max_neighbors=1, ef_search=10_001))
    assert [v.field for v in caught.value.violations] == ["index.max_neighbors", "index.ef_search"]


async def test_drop_tells_the_rows_and_takes_the_texts(setup):
    await setup.retrieval.rows.upsert("docs", [Row("a", "x"), Row("b", "y")], [None, None])
    assert await setup.retrieval.collections.drop("docs") == 2
    assert await setup.texts.collections() == []
    for call in (setup.retrieval.collections.drop("docs"), setup.retrieval.collections.get("docs")):
        with pytest.raises(CollectionNotFound):
            await call
    await setup.retrieval.collections.create("docs", IndexSettings())
    assert (await setup.retrieval.search.run(SearchQuery("docs", "x"))).hits == ()


async def test_another_embedding_model_hinders_everything_until_a_rebuild(setup, make_embedder):
    await setup.retrieval.rows.upsert("docs", [Row("a", "red house"), Row("b", "blue " * 40)], [None, None])
    setup.restart(make_embedder("words-2", dimension=16, max_tokens=20), name="shorter")
    info = await setup.retrieval.collections.get("docs")
    assert "'words', and 'shorter' is configured" in info.mismatch
    assert "its dimension is 32, and the model's is 16" in info.mismatch
    with pytest.raises(CollectionMismatch, match="shorter"):
        await setup.retrieval.search.run(SearchQuery("docs", "red"))
    with pytest.raises(CollectionMismatch):
        await setup.retrieval.rows.upsert("docs", [Row("d", "x")], [None])
    with pytest.raises(CollectionMismatch):
        await setup.ingest(("a.txt", "text"))

    done = [
        progress async for progress in setup.retrieval.collections.rebuild("docs", IndexChanges(ef_search=9))
    ]
    assert done[-1] == Progress(2, 2)
    info = await setup.retrieval.collections.get("docs")
    assert await spec(setup.store, "docs") == CollectionSpec(
        "docs", 16, "shorter", "words-2", IndexSettings(ef_search=9)
    )
    assert (info.rows, info.mismatch) == (2, "")
    found = await setup.retrieval.search.run(SearchQuery("docs", "red house"))
    assert found.hits[0].id == "a"
    assert await setup.agree() == 2


async def test_a_rebuild_for_the_same_model_embeds_nothing_and_mends_the_index(setup):
    await setup.retrieval.rows.upsert("docs", [Row("a", "x")], [None])
    await setup.texts.commit("docs", [Row("ghost", "x")], ["a"])
    setup.embedder.embedded.clear()
    async for _ in setup.retrieval.collections.rebuild("docs", IndexChanges(ef_construction=50)):
        pass
    assert setup.embedder.embedded == []
    assert await setup.agree() == 1
    assert (await setup.retrieval.collections.get("docs")).index == IndexSettings(ef_construction=50)


async def test_a_rebuild_that_is_left_changes_nothing_and_frees_the_writer(setup):
    await setup.retrieval.rows.upsert("docs", [Row(str(n), f"text {n}") for n in range(300)], [None] * 300)
    async with aclosing(
        setup.retrieval.collections.rebuild("docs", IndexChanges(ef_construction=50))
    ) as progress:
        await anext(progress)
        found = await setup.retrieval.search.run(SearchQuery("docs", "text 7", top_k=1))
        assert found.hits, "searches go on meanwhile"
    assert (await setup.retrieval.collections.get("docs")).index == IndexSettings()
    async with asyncio.timeout(5):
        await setup.retrieval.rows.upsert("docs", [Row("new", "x")], [None])


async def test_check_counts_the_index_too(setup):
    await setup.retrieval.rows.upsert("docs", [Row("a", "x"), Row("b", "y")], [None, None])
    *_, diagnosis = [event async for event in setup.retrieval.collections.check("docs")]
    assert diagnosis == Diagnosis(True, 2, 0, (), {"store": 2, "sparse": 2})
    await setup.texts.commit("docs", [], ["a"])
    *_, diagnosis = [event async for event in setup.retrieval.collections.check("docs")]
    assert (diagnosis.ok, diagnosis.counts) == (False, {"store": 2, "sparse": 1})


async def test_the_first_use_finishes_what_a_kill_left(setup):
    rows = [Row("a", "red"), Row("b", "blue"), Row("d", "green")]
    await setup.retrieval.rows.upsert("docs", rows, [None] * 3)
    await setup.texts.begin("docs", ["a", "b", "never"])
    await setup.store.delete("docs", ["a"])
    setup.restart()
    found = await setup.retrieval.search.run(SearchQuery("docs", "red", mode="sparse"))
    assert found.hits == ()
    assert await setup.agree() == 2


async def test_an_index_that_was_lost_is_made_anew_from_the_store(setup):
    rows = [Row(str(n), f"text {n}") for n in range(500)]
    await setup.retrieval.rows.upsert("docs", rows, [None] * 500)
    await setup.texts.drop("docs")
    await setup.texts.commit("gone", [Row("x", "y")], [])
    setup.restart()
    found = await setup.retrieval.search.run(SearchQuery("docs", "text 42", mode="sparse", top_k=1))
    assert found.hits[0].id == "42"
    assert await setup.agree() == 500
    assert await setup.texts.collections() == ["docs"]


async def test_many_first_searches_share_one_comparison(setup):
    await setup.retrieval.rows.upsert("docs", [Row("a", "red")], [None])
    await setup.texts.drop("docs")
    setup.restart()
    searches = [setup.retrieval.search.run(SearchQuery("docs", "red")) for _ in range(8)]
    first, *rest = (asyncio.ensure_future(search) for search in searches)
    await asyncio.sleep(0)
    first.cancel()
    for found in await asyncio.gather(*rest):
        assert [hit.id for hit in found.hits] == ["a"]


async def test_without_a_store_nothing_is_offered(setup):
    retrieval = Retrieval(None, setup.embedding, RetrievalSettings(20, 0, 1000), Instruments())
    for call in (retrieval.collections.list(), retrieval.search.run(SearchQuery("docs", "x"))):
        with pytest.raises(NotConfigured, match="set store"):
            await call


async def test_while_the_model_loads_collections_are_listed_with_what_hinders_them(setup):
    loading = Component("embedder", "slow", "fake", lambda: None, WhenUnwell.EXIT)
    setup.embedding._embedder = loading
    info = await setup.retrieval.collections.get("docs")
    assert info.mismatch == "embedder 'slow' is still loading"
    with pytest.raises(ModelLoading):
        await setup.retrieval.search.run(SearchQuery("docs", "x"))


def test_a_diagnosis_names_the_first_hundred():
    ids = tuple(str(n) for n in range(150))
    told = collections.diagnosis(StoreCheck(200, 200, ids, {"store": 200}))
    assert (told.ok, told.checked, told.unreachable, told.unreachable_ids) == (False, 200, 150, ids[:100])
