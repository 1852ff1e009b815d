"""The tiers of the cache."""

import asyncio
import logging
from collections import Counter
from unittest.mock import AsyncMock

import numpy as np
import pytest

from jarvis.core.embedding import tiers as tiers_module
from jarvis.core.embedding import values as module
from jarvis.core.embedding.values import HEADER, make_keys
from jarvis.core.lifecycle.component import Component
from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import TextTooLong

DOCUMENT, QUERY = TextRole.DOCUMENT, TextRole.QUERY


async def test_what_was_embedded_is_found_with_its_tokens_and_without_the_model(make, tiers, embedder):
    embedding = make(tiers)
    first = await embedding.embed(["a b", "c"], DOCUMENT)
    again = await embedding.embed(["c", "a b", "new"], DOCUMENT)
    assert (again.cached, again.tokens) == ((True, True, False), (1, 2, 1))
    assert np.array_equal(again.vectors[:2], first.vectors[::-1])
    assert sorted(text for batch in embedder.batches for text in batch) == ["a b", "c", "new"]
    assert embedder.counted == {"a b": 1, "c": 1, "new": 1}


async def test_new_vectors_are_put_into_every_tier(make, tiers, caches):
    embedding = make(tiers)
    await embedding.embed(["x", "y"], DOCUMENT)
    await embedding.flush()
    assert len(caches[0].values) == 2
    assert caches[0].values == caches[1].values


async def test_what_a_later_tier_had_is_put_into_the_earlier(make, tiers, caches):
    embedding = make(tiers)
    await embedding.embed(["x", "y"], DOCUMENT)
    await embedding.flush()
    caches[0].values.popitem()
    found = await embedding.embed(["x", "y"], DOCUMENT)
    await embedding.flush()
    assert found.cached == (True, True)
    assert len(caches[0].values) == 2
    assert [len(keys) for keys in caches[1].gets] == [2, 1]


async def test_a_later_tier_is_not_asked_for_what_an_earlier_has(make, tiers, caches):
    embedding = make(tiers)
    await embedding.embed(["x"], DOCUMENT)
    await embedding.embed(["x"], DOCUMENT)
    assert [len(keys) for keys in caches[1].gets] == [1]


async def test_no_answer_waits_for_a_slow_tier_to_write(make, tiers, caches):
    caches[1].go.clear()
    embedding = make(tiers)
    for text in "abc":
        await asyncio.wait_for(embedding.embed([text], DOCUMENT), 2)
    assert (len(caches[0].values), len(caches[1].values)) == (3, 0)
    caches[1].go.set()
    await embedding.flush()
    assert len(caches[1].values) == 3


async def test_what_waits_to_be_written_is_bounded(make, tiers, caches, monkeypatch):
    monkeypatch.setattr("jarvis.core.embedding.tiers.MAX_WAITING", 3)
    caches[1].go.clear()
    embedding = make(tiers)
    for text in "abcdefgh":
        await embedding.embed([text], DOCUMENT)
    caches[1].go.set()
    await embedding.flush()
    assert (len(caches[0].values), len(caches[1].values)) == (8, 4)


async def test_a_tier_that_fails_is_passed_over_and_complained_of_once(make, tiers, caches, caplog):
    caches[0].failure = ZeroDivisionError("broken")
    embedding = make(tiers)
    with caplog.at_level(logging.WARNING):
        await embedding.embed(["x"], DOCUMENT)
        await embedding.flush()
        assert (await embedding.embed(["x"], DOCUMENT)).cached == (True,)
        await embedding.flush()
    assert [record.message for record in caplog.records] == [
        "cache 'tier-0' fails, and is passed over where it does: ZeroDivisionError('broken')"
    ]


async def test_a_tier_that_does_not_answer_is_passed_over_and_left_alone_for_a_while(
    make, tiers, caches, monkeypatch
):
    monkeypatch.setattr(tiers_module, "GET_SECONDS", 0.01)

    async def never(keys):
        await asyncio.Event().wait()

    caches[0].get = silent = AsyncMock(side_effect=never)
    embedding = make(tiers)
    for cached in (False, True):
        assert (await embedding.embed(["x"], DOCUMENT)).cached == (cached,)
        await embedding.flush()
    assert silent.await_count == 1
    monkeypatch.setattr(tiers_module, "PAUSE_SECONDS", 0)
    embedding = make(tiers)
    for _ in range(2):
        await embedding.embed(["x"], DOCUMENT)
    assert silent.await_count == 3


async def test_a_tier_that_is_not_open_is_passed_over(make, tiers):
    embedding = make([Component("cache", "loading", "c", lambda: None), tiers[0]])
    await embedding.embed(["x"], DOCUMENT)
    assert (await embedding.embed(["x"], DOCUMENT)).cached == (True,)


def shorten(value):
    return value[:-1]


def other_version(value):
    return bytes([module.VERSION + 1]) + value[1:]


def other_dimension(value):
    return HEADER.pack(module.VERSION, 1, 3) + value[HEADER.size :]


@pytest.mark.parametrize("damage", [shorten, other_version, other_dimension, lambda _: b""])
async def test_a_damaged_value_is_a_miss_and_is_replaced(make, tiers, caches, vectors, damage):
    embedding = make(tiers[:1])
    await embedding.embed(["x"], DOCUMENT)
    ((key, value),) = caches[0].values.items()
    caches[0].values[key] = damage(value)
    found = await embedding.embed(["x"], DOCUMENT)
    assert found.cached == (False,)
    assert np.array_equal(found.vectors, vectors("x"))
    assert caches[0].values == {key: value}


async def test_a_text_that_is_too_long_is_refused_from_the_cache_too(make, tiers):
    embedding = make(tiers)
    long = "y " * 11
    await embedding.embed([long], DOCUMENT, truncate=True)
    with pytest.raises(TextTooLong, match="11 tokens, and the model reads 10"):
        await embedding.embed([long], DOCUMENT)
    found = await embedding.embed([long], DOCUMENT, truncate=True)
    assert (found.cached, found.truncated) == ((True,), (True,))


async def test_all_components_are_kept_whatever_was_asked_for(make, tiers, vectors):
    embedding = make(tiers)
    await embedding.embed(["x"], DOCUMENT, dimension=2)
    found = await embedding.embed(["x"], DOCUMENT)
    assert found.cached == (True,)
    assert np.array_equal(found.vectors, vectors("x"))


def test_keys_differ_where_vectors_do():
    keys = {
        *make_keys("m", DOCUMENT, ["x", "x ", "X", "é", "e\u0301", "documentx"]),
        *make_keys("m", QUERY, ["x"]),
        *make_keys("m2", DOCUMENT, ["x"]),
        *make_keys("mdocument", DOCUMENT, ["x"]),
    }
    assert len(keys) == 9
    assert make_keys("m", DOCUMENT, ["x"]) == make_keys("m", DOCUMENT, ["x"])


@pytest.fixture
def packings(monkeypatch):
    """Counts how often a vector is turned into bytes, and bytes into a vector."""
    counts = Counter()

    def counting(name):
        real = getattr(tiers_module, name)

        def call(*arguments):
            counts[name] += 1
            return real(*arguments)

        monkeypatch.setattr(tiers_module, name, call)

    counting("pack")
    counting("unpack")
    return counts


async def test_without_a_cache_no_vector_is_turned_into_bytes(make, packings, vectors):
    found = await make().embed(["x", "y"], DOCUMENT)
    assert np.array_equal(found.vectors, vectors("x", "y"))
    assert not packings


async def test_a_vector_is_packed_once_for_all_tiers_and_read_once(make, tiers, packings):
    embedding = make(tiers)
    await embedding.embed(["x"], DOCUMENT)
    await embedding.flush()
    await embedding.embed(["x"], DOCUMENT)
    assert packings == {"pack": 1, "unpack": 1}
