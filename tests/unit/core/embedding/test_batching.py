"""Requests share the model's batches."""

import asyncio
import random

import numpy as np
import pytest

from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import EngineDead, EngineFailure

DOCUMENT = TextRole.DOCUMENT


async def requests(embedding, *texts):
    """Begin one request for each text, after the other."""
    tasks = []
    for text in texts:
        tasks.append(asyncio.create_task(embedding.embed([text], DOCUMENT)))
        for _ in range(5):
            await asyncio.sleep(0)
    return tasks


async def test_what_arrives_while_the_model_works_goes_together_next(make, embedder, vectors):
    embedding = make()
    embedder.go.clear()
    texts = [f"t{i}" for i in range(9)]
    tasks = await requests(embedding, *texts)
    embedder.go.set()
    found = await asyncio.gather(*tasks)
    assert [len(batch) for batch in embedder.batches] == [1, 8]
    assert np.array_equal(np.concatenate([one.vectors for one in found]), vectors(*texts))


async def test_a_batch_holds_what_the_budget_allows(make, embedder):
    embedding = make(budget=6)
    await embedding.embed([f"a b {i}" for i in range(5)], DOCUMENT)
    assert [len(batch) for batch in embedder.batches] == [2, 2, 1]


async def test_one_text_over_the_budget_is_embedded(make, embedder):
    await make(budget=4).embed(["a b c d e f", "x"], DOCUMENT)
    assert sorted(embedder.batches) == [["a b c d e f"], ["x"]]


async def test_nobody_waits_for_a_model_that_no_longer_tells_its_properties(make, embedder):
    embedding, known = make(), iter([embedder.info()])

    def info():
        for one in known:
            return one
        raise RuntimeError("broken")

    embedder.info = info
    with pytest.raises(RuntimeError, match="broken"):
        await asyncio.wait_for(embedding.embed(["x"], DOCUMENT), 2)


async def test_a_text_that_is_on_its_way_is_not_sent_again(make, embedder, vectors):
    embedding = make()
    embedder.go.clear()
    tasks = await requests(embedding, "x", "y", "x", "y", "x")
    embedder.go.set()
    found = await asyncio.gather(*tasks)
    assert embedder.batches == [["x"], ["y"]]
    assert embedder.counted == {"x": 1, "y": 1}
    assert np.array_equal(found[4].vectors, vectors("x"))
    assert not found[4].cached[0]


async def test_a_text_that_a_request_has_twice_is_embedded_once(make, embedder, vectors):
    found = await make().embed(["x", "y", "x"], DOCUMENT)
    assert sorted(text for batch in embedder.batches for text in batch) == ["x", "y"]
    assert np.array_equal(found.vectors, vectors("x", "y", "x"))


async def test_the_same_text_in_another_role_is_another(make, embedder):
    embedding = make()
    embedder.go.clear()
    tasks = await requests(embedding, "x")
    tasks.append(asyncio.create_task(embedding.embed(["x"], TextRole.QUERY)))
    await asyncio.sleep(0)
    embedder.go.set()
    await asyncio.gather(*tasks)
    assert embedder.roles == ["document", "query"]


async def test_one_who_leaves_takes_nothing_from_those_who_stay(make, embedder):
    embedding = make()
    embedder.go.clear()
    first, second, waits, also_waits = await requests(embedding, "x", "x", "y", "y")
    first.cancel()
    waits.cancel()
    await asyncio.wait([first, waits])
    embedder.go.set()
    assert (await second).tokens == (await also_waits).tokens == (1,)
    assert embedder.batches == [["x"], ["y"]]


async def test_what_nobody_waits_for_is_not_begun(make, embedder, turn):
    embedding = make()
    embedder.go.clear()
    busy, gone = await requests(embedding, "busy", "gone")
    gone.cancel()
    await asyncio.wait([gone])
    embedder.go.set()
    await busy
    await turn()
    assert embedder.batches == [["busy"]]


async def test_what_nobody_waited_for_can_be_asked_for_again(make, embedder):
    embedding = make()
    embedder.go.clear()
    busy, gone = await requests(embedding, "busy", "x")
    gone.cancel()
    await asyncio.wait([gone])
    (again,) = await requests(embedding, "x")
    embedder.go.set()
    await asyncio.gather(busy, again)
    assert embedder.batches == [["busy"], ["x"]]


async def test_what_is_begun_is_waited_for_again_rather_than_begun_twice(make, embedder):
    embedding = make()
    embedder.go.clear()
    (gone,) = await requests(embedding, "x")
    gone.cancel()
    await asyncio.wait([gone])
    (again,) = await requests(embedding, "x")
    embedder.go.set()
    await again
    assert embedder.batches == [["x"]]


async def test_a_text_at_which_the_model_fails_fails_none_beside_it(make, embedder):
    embedding = make()
    embedder.failures["bad"] = EngineFailure("cannot")
    embedder.go.clear()
    tasks = await requests(embedding, "busy", "a", "b", "bad", "c")
    embedder.go.set()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends].count(EngineFailure) == 1
    assert isinstance(ends[3], EngineFailure)


async def test_a_failure_is_not_remembered(make, embedder, tiers, caches):
    embedding = make(tiers)
    embedder.failures["x"] = EngineFailure("once")
    with pytest.raises(EngineFailure):
        await embedding.embed(["x"], DOCUMENT)
    assert caches[0].values == {}
    embedder.failures.clear()
    assert not (await embedding.embed(["x"], DOCUMENT)).cached[0]


async def test_a_dead_engine_is_suspected_and_everyone_is_told(make, embedder, component, monkeypatch):
    suspected = []
    monkeypatch.setattr(component, "suspect", lambda: suspected.append(1))
    embedder.failures["a"] = EngineDead("it fell")
    embedder.go.clear()
    tasks = await requests(make(), "busy", "a", "b")
    embedder.go.set()
    ends = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(end) for end in ends[1:]] == [EngineDead, EngineDead]
    assert suspected == [1]


async def test_the_first_failure_of_a_request_ends_it(make, embedder):
    embedder.failures["a b c"] = EngineDead("it fell")
    with pytest.raises(EngineDead):
        await make(budget=3).embed(["a b c", *(f"x {i}" for i in range(50))], DOCUMENT)
    assert len(embedder.batches) < 10


async def test_an_adapter_that_is_closed_under_a_batch_ends_it(make, embedder, monkeypatch):
    async def cancelled(texts, role):
        raise asyncio.CancelledError

    monkeypatch.setattr(embedder, "embed", cancelled)
    with pytest.raises(EngineDead, match="was closed"):
        await make().embed(["x"], DOCUMENT)


async def test_texts_do_not_go_to_another_model_than_they_were_for(make, embedder):
    embedding = make()
    embedder.go.clear()
    tasks = await requests(embedding, "busy", "x")
    embedder.identity = "fake-2"
    embedder.go.set()
    with pytest.raises(EngineDead, match="has changed"):
        await tasks[1]


async def test_an_adapter_that_loses_a_row_fails_the_batch(make, embedder, monkeypatch):
    whole = embedder.embed

    async def short(texts, role):
        return (await whole(texts, role))[:-1]

    monkeypatch.setattr(embedder, "embed", short)
    with pytest.raises(ValueError, match="shorter"):
        await make().embed(["x", "y"], DOCUMENT)


@pytest.mark.parametrize("seed", range(5))
async def test_nothing_is_left_of_requests_that_come_go_and_fail(make, embedder, tiers, vectors, turn, seed):
    chance = random.Random(seed)  # noqa: S311 - not a secret
    embedding = make(tiers, budget=12)
    embedder.failures["t3"] = EngineFailure("cannot")

    async def request():
        for _ in range(chance.randrange(30)):
            await asyncio.sleep(0)
        texts = [f"t{chance.randrange(20)}" for _ in range(chance.randrange(1, 9))]
        found = await embedding.embed(texts, chance.choice(list(TextRole)))
        return texts, found.vectors

    tasks = [asyncio.create_task(request()) for _ in range(100)]
    for task in tasks[::3]:
        asyncio.get_running_loop().call_later(chance.random() / 500, task.cancel)
    ends = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 5)
    assert {type(end) for end in ends} <= {tuple, EngineFailure, asyncio.CancelledError}
    for texts, found in (end for end in ends if isinstance(end, tuple)):
        assert any(np.array_equal(found, vectors(*texts, role=role)) for role in TextRole)
    await turn()
    batcher = embedding._batcher
    assert (batcher._flights, bool(batcher._queue), batcher._worker) == ({}, False, None)


async def test_the_depth_is_what_waits_for_a_batch(make, embedder):
    embedding = make()
    embedder.go.clear()
    begun, left, waiting = await requests(embedding, "begun", "left", "bad")
    assert embedding.queue_depth == 2
    left.cancel()
    await asyncio.wait([left])
    assert embedding.queue_depth == 1
    embedder.failures["bad"] = EngineFailure("bad")
    others = await requests(embedding, "a", "b", "bad")
    assert embedding.queue_depth == 3, "two wait for the same text"
    embedder.go.set()
    ended = await asyncio.gather(begun, waiting, *others, return_exceptions=True)
    assert sum(isinstance(one, EngineFailure) for one in ended) == 2
    assert embedding.queue_depth == 0
