"""Rows that callers store and delete."""

import asyncio

import numpy as np
import pytest

from jarvis.core.retrieval import mirror
from jarvis_ports.errors import (
    CollectionNotFound,
    EngineDead,
    InvalidArgument,
    StoreFailure,
    TextTooLong,
)
from jarvis_ports.filters import Equals
from jarvis_ports.store import Row
from jarvis_ports.values import SearchQuery

NOTHING = [None]


async def upsert(setup, *rows, vectors=None, **options):
    return await setup.retrieval.rows.upsert("docs", rows, vectors or NOTHING * len(rows), **options)


def row_of(hit):
    return Row(hit.id, hit.text, hit.metadata)


async def test_what_is_stored_is_found_by_words_and_by_vector(setup):
    assert await upsert(setup, Row("a", "a red house", {"n": 1}), Row("b", "blue water")) == 2
    for mode in ("dense", "sparse", "hybrid"):
        found = await setup.retrieval.search.run(SearchQuery("docs", "red house", mode=mode))
        assert row_of(found.hits[0]) == Row("a", "a red house", {"n": 1})
    assert await setup.agree() == 2


async def test_a_row_of_the_same_id_is_replaced(setup):
    await upsert(setup, Row("a", "old words"))
    await upsert(setup, Row("a", "new text"))
    found = await setup.retrieval.search.run(SearchQuery("docs", "old", mode="sparse"))
    assert found.hits == ()
    assert await setup.agree() == 1


async def test_vectors_of_the_caller_are_taken_and_the_rest_embedded(setup):
    vector = np.zeros(32, np.float32)
    vector[0] = 2
    await upsert(setup, Row("a", "mine"), Row("b", "theirs"), vectors=[vector, None])
    assert setup.embedder.embedded == ["theirs"]
    found = await setup.retrieval.search.run(SearchQuery("docs", vector=vector, top_k=1))
    assert (found.hits[0].id, round(found.hits[0].similarity, 5)) == ("a", 1)


@pytest.mark.parametrize(
    ("vector", "message"),
    [
        (np.ones(3, np.float32), r"rows\[1\].vector: has 12 bytes, needs 128 \(32 float32\)"),
        (np.zeros(32, np.float32), r"rows\[1\].vector: is zero"),
        (np.full(32, np.nan, np.float32), r"rows\[1\].vector: .* not finite"),
    ],
)
async def test_a_vector_that_does_not_fit_is_refused(setup, vector, message):
    with pytest.raises(InvalidArgument, match=message):
        await upsert(setup, Row("a", "x"), Row("b", "y"), vectors=[None, vector])
    assert await setup.agree() == 0


@pytest.mark.parametrize(
    ("rows", "fields"),
    [
        ([], ["rows"]),
        ([Row(str(i), "x") for i in range(2049)], ["rows"]),
        ([Row("", "x"), Row("é" * 257, "x")], ["rows[0].id", "rows[1].id"]),
        ([Row("a", "x"), Row("a", "y")], ["rows[1].id"]),
        ([Row("a", "")], ["rows[0].text"]),
        ([Row("a", "x", {"_mine": 1})], ["rows[0].metadata"]),
        ([Row("a", "x", {"": 1})], ["rows[0].metadata"]),
        ([Row("a", "x", {str(i): 1 for i in range(65)})], ["rows[0].metadata"]),
        ([Row("a", "x", {"n": float("inf")})], ["rows[0].metadata[n]"]),
    ],
)
async def test_rows_beyond_the_limits_are_refused(setup, rows, fields):
    with pytest.raises(InvalidArgument) as caught:
        await upsert(setup, *rows)
    assert [violation.field for violation in caught.value.violations] == fields


async def test_a_text_that_is_too_long_is_blamed_or_cut_off_and_stored_whole(setup):
    long = Row("b", "word " * 65)
    vector = np.ones(32, np.float32)
    for vectors in ([None, None], [vector, None]):
        with pytest.raises(
            TextTooLong, match=r"rows\[1\].text: the text has 65 tokens, and the model reads 64"
        ):
            await upsert(setup, Row("a", "x"), long, vectors=vectors)
    await upsert(setup, long, truncate=True)
    found = await setup.retrieval.search.run(SearchQuery("docs", "word"))
    assert row_of(found.hits[0]) == long


async def test_rows_are_deleted_by_id_by_filter_or_by_both(setup):
    await upsert(setup, *(Row(str(n), "x", {"even": n % 2 == 0}) for n in range(6)))
    even = Equals("even", True)
    delete = setup.retrieval.rows.delete
    assert await delete("docs", ["0", "1", "nowhere", "0"], even, dry_run=True) == 1
    assert await delete("docs", ["0", "1", "nowhere", "0"], even) == 1
    assert await delete("docs", [], even) == 2
    assert await delete("docs", ["1", "nowhere"], None) == 1
    assert await setup.agree() == 2
    with pytest.raises(InvalidArgument, match="ids: set ids or filter"):
        await delete("docs", [], None)


async def test_an_unknown_collection(setup):
    with pytest.raises(CollectionNotFound):
        await setup.retrieval.rows.upsert("nowhere", [Row("a", "x")], NOTHING)
    with pytest.raises(CollectionNotFound):
        await setup.retrieval.rows.delete("nowhere", ["a"], None)


async def test_a_dead_embedder_leaves_nothing_behind(setup):
    setup.embedder.failures = [EngineDead("it fell")]
    with pytest.raises(EngineDead):
        await upsert(setup, Row("a", "x"))
    assert await setup.agree() == 0


async def test_after_a_write_that_failed_half_way_the_next_one_mends_the_index(setup):
    setup.store.failures, setup.store.half = [StoreFailure("disk full")], True
    with pytest.raises(StoreFailure):
        await upsert(setup, Row("a", "first"), Row("b", "second"))
    assert await setup.texts.pending("docs") == ["a", "b"]
    found = await setup.retrieval.search.run(SearchQuery("docs", "first", mode="dense"))
    assert [hit.id for hit in found.hits] == ["a"], "searches go on"
    await upsert(setup, Row("d", "third"))
    assert await setup.agree() == 2
    found = await setup.retrieval.search.run(SearchQuery("docs", "first", mode="sparse"))
    assert [hit.id for hit in found.hits] == ["a"]


async def test_a_caller_who_goes_in_the_middle_of_a_write_leaves_the_two_the_same(setup):
    setup.store.go.clear()
    writing = asyncio.create_task(upsert(setup, Row("a", "x")))
    await setup.store.before_upsert.wait()
    writing.cancel()
    await asyncio.sleep(0)
    setup.store.go.set()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert await setup.agree() == 1


async def test_a_search_does_not_wait_for_a_writer(setup):
    await upsert(setup, Row("a", "x"))
    setup.store.go.clear()
    writing = asyncio.create_task(upsert(setup, Row("b", "y")))
    await setup.store.before_upsert.wait()
    async with asyncio.timeout(5):
        found = await setup.retrieval.search.run(SearchQuery("docs", "x"))
    assert [hit.id for hit in found.hits] == ["a"]
    setup.store.go.set()
    await writing


async def held_up(setup, *groups):
    """Begin to store one row, and have the others wait for it; returns the tasks."""
    setup.store.go.clear()
    first = asyncio.create_task(upsert(setup, Row("first", "the first")))
    await setup.store.before_upsert.wait()
    vector = np.ones(32, np.float32)  # not embedded, so they come in this order
    waiting = [asyncio.create_task(upsert(setup, *rows, vectors=[vector] * len(rows))) for rows in groups]
    await asyncio.sleep(0.05)
    return first, waiting


async def test_what_waits_for_a_write_is_written_together(setup):
    first, waiting = await held_up(setup, [Row("a", "a")], [Row("b", "b"), Row("c", "c")], [Row("d", "d")])
    setup.store.go.set()
    assert await asyncio.gather(first, *waiting) == [1, 1, 2, 1]
    assert setup.store.upserted == [["first"], ["a", "b", "c", "d"]]
    assert await setup.agree() == 5


async def test_rows_of_one_id_are_written_one_after_the_other_and_the_last_one_stays(setup):
    first, waiting = await held_up(setup, [Row("a", "old")], [Row("a", "new"), Row("b", "b")])
    setup.store.go.set()
    await asyncio.gather(first, *waiting)
    assert setup.store.upserted == [["first"], ["a"], ["a", "b"]]
    assert (await setup.texts.rows("docs", ["a"]))[0].text == "new"


async def test_no_more_rows_go_together_than_are_allowed(setup, monkeypatch):
    monkeypatch.setattr(mirror, "WRITTEN_AT_ONCE", 3)
    many = [Row(f"m{n}", "many") for n in range(5)]
    first, waiting = await held_up(
        setup, [Row("a", "a"), Row("b", "b")], [Row("c", "c"), Row("d", "d")], many
    )
    setup.store.go.set()
    await asyncio.gather(first, *waiting)
    assert list(map(len, setup.store.upserted)) == [1, 2, 2, 5]


async def test_a_write_that_fails_fails_everyone_whose_rows_were_in_it(setup):
    first, waiting = await held_up(setup, [Row("a", "a")], [Row("b", "b")])
    setup.store.failures = []
    setup.store.go.set()
    await first
    setup.store.failures = [StoreFailure("disk full")]
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(end) for end in ended] == [StoreFailure, StoreFailure]
    assert await upsert(setup, Row("c", "c")) == 1
    assert await setup.agree() == 2


async def test_one_who_leaves_before_the_write_has_not_written(setup):
    first, (gone, stays) = await held_up(setup, [Row("a", "a")], [Row("b", "b")])
    gone.cancel()
    await asyncio.wait([gone])
    setup.store.go.set()
    await asyncio.gather(first, stays)
    assert setup.store.upserted == [["first"], ["b"]]
    assert await setup.agree() == 2
