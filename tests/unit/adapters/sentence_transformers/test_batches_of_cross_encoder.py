"""How a cross-encoder's batches are made and take turns, without a model."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numpy as np
import pytest
from pydantic import ValidationError

from jarvis_adapters.sentence_transformers.cross_encoder import CrossEncoderReranker, batches
from jarvis_adapters.sentence_transformers.settings import CrossEncoderSettings
from jarvis_ports.errors import EngineDead
from jarvis_ports.reranker import RerankerInfo


@pytest.mark.parametrize(
    ("lengths", "most", "expected"),
    [
        ([], 10, []),
        ([3, 5, 4], 100, [[1, 2, 0]]),
        ([3, 5, 4], 10, [[1, 2], [0]]),
        ([5, 5, 5], 10, [[0, 1], [2]]),
        ([50, 5, 60], 10, [[2], [0], [1]]),
        ([1, 9, 1, 1], 10, [[1], [0, 2, 3]]),
    ],
)
def test_batches_hold_what_the_budget_does_when_padded(lengths, most, expected):
    assert list(batches(lengths, most)) == expected


class Scorer:
    """A document's score is its length; while `go` is not set, a batch does not end."""

    def __init__(self):
        self.down = ""
        self.ran = []
        self.go = threading.Event()
        self.go.set()

    def score(self, query, documents):
        self.ran.append((query, list(documents)))
        self.go.wait(60)
        return np.array([len(document) for document in documents], np.float32)


@pytest.fixture
def make():
    """Makes a reranker on a scorer, with batches of two words, whose thread ends with the test."""
    executors = []

    def make(scorer, hang_seconds=60):
        executors.append(ThreadPoolExecutor(1))
        found = SimpleNamespace(
            runner=scorer,
            info=RerankerInfo(max_tokens=2),
            batch_tokens=2,
            count=lambda query, documents: [len(document.split()) for document in documents],
        )
        return CrossEncoderReranker(found, executors[-1], hang_seconds)

    yield make
    for executor in executors:
        executor.shutdown()


async def begun(scorer, batches=1):
    async with asyncio.timeout(5):
        while len(scorer.ran) < batches:
            await asyncio.sleep(0.001)


async def test_scores_are_in_the_order_of_the_documents_whatever_the_batches_were(make):
    scorer = Scorer()
    assert await make(scorer).score("q", ["a", "bb bb bb", "ccc", "dd dd"]) == [1, 8, 3, 5]
    assert [documents for _, documents in scorer.ran] == [["bb bb bb"], ["dd dd"], ["a", "ccc"]]


async def test_callers_take_turns(make):
    scorer = Scorer()
    reranker = make(scorer)
    scorer.go.clear()
    long = asyncio.create_task(reranker.score("long", ["a a"] * 50))
    await begun(scorer)
    short = asyncio.create_task(reranker.score("short", ["b"]))
    await asyncio.sleep(0.05)
    scorer.go.set()
    assert await short == [1]
    assert not long.done()
    assert len(await long) == 50


async def test_what_nobody_waits_for_is_not_begun(make):
    scorer = Scorer()
    reranker = make(scorer)
    scorer.go.clear()
    left = asyncio.create_task(reranker.score("left", ["a a"] * 50))
    await begun(scorer)
    left.cancel()
    await asyncio.wait([left])
    scorer.go.set()
    assert await reranker.score("q", ["b"]) == [1]
    assert [query for query, _ in scorer.ran] == ["left", "q"]


async def test_a_batch_that_does_not_end_is_the_end_of_the_reranker(make):
    scorer = Scorer()
    reranker = make(scorer, hang_seconds=1)
    scorer.go.clear()
    try:
        waiting = [asyncio.create_task(reranker.score("q", ["a"])) for _ in range(2)]
        ended = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 20)
        assert [type(end) for end in ended].count(EngineDead) >= 1
        assert all(isinstance(end, EngineDead) for end in ended)
        assert reranker.hangs
        assert not (await reranker.health()).ok
        assert len(scorer.ran) == 1, "who waits behind it is told as well, and not sent after it"
    finally:
        scorer.go.set()


def test_it_needs_a_model():
    with pytest.raises(ValidationError, match="model"):
        CrossEncoderSettings()
