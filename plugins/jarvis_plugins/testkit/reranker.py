"""The tests that every adapter for the `Reranker` port passes."""

import asyncio
import math
from collections.abc import Sequence
from typing import ClassVar

import pytest

from jarvis_plugins.registry import PortName
from jarvis_plugins.testkit.base import AdapterConformance
from jarvis_plugins.testkit.embedder import SIMILAR, TEXTS, stood_still
from jarvis_ports.reranker import Reranker

QUERY = "How do I reset a password, and what does an invoice cost?"
NEAR = 1e-3
"""The most by which scores that count as the same may differ; the arithmetic may differ with the batch."""


@pytest.mark.asyncio(loop_scope="class")
class RerankerConformance(AdapterConformance):
    """Subclass it, name the adapter, and run pytest."""

    port = PortName.RERANKER
    seconds: ClassVar[float] = 60.0
    """The most seconds that the scores of one test may take."""
    has_meaning: ClassVar[bool] = True
    """Whether the model was trained, so that what answers a query has a better score than what does not."""

    @pytest.fixture(scope="class")
    @classmethod
    def reranker(cls, opened: Reranker) -> Reranker:
        return opened

    async def score(self, reranker: Reranker, documents: Sequence[str], query: str = QUERY) -> list[float]:
        """Score documents, and check what must hold for all scores."""
        async with asyncio.timeout(self.seconds):
            scores = await reranker.score(query, documents)
        assert type(scores) is list
        assert [type(score) for score in scores] == [float] * len(documents)
        assert all(map(math.isfinite, scores))
        return scores

    def long_text(self, reranker: Reranker) -> str:
        """Return a text with more tokens than the model reads."""
        return "alpha beta gamma delta " * (reranker.info().max_tokens // 4 + 1)

    async def use(self, adapter: Reranker) -> None:
        await self.score(adapter, TEXTS[:2])

    # What it says about itself

    async def test_info(self, reranker: Reranker) -> None:
        info = reranker.info()
        assert info.max_tokens >= 1
        await self.score(reranker, TEXTS)
        assert reranker.info() == info, "it is constant while it is loaded"

    async def test_is_healthy(self, reranker: Reranker) -> None:
        assert (await reranker.health()).ok

    # Scores

    async def test_scores_every_document_alone_and_with_others_alike(self, reranker: Reranker) -> None:
        together = await self.score(reranker, TEXTS)
        alone = [(await self.score(reranker, [text]))[0] for text in TEXTS]
        assert together == pytest.approx(alone, abs=NEAR), "a score depends on the others, or is another's"

    async def test_the_order_of_documents_is_kept(self, reranker: Reranker) -> None:
        scores = await self.score(reranker, TEXTS)
        assert await self.score(reranker, TEXTS[::-1]) == pytest.approx(scores[::-1], abs=NEAR)

    async def test_the_same_call_gives_the_same_scores(self, reranker: Reranker) -> None:
        assert await self.score(reranker, TEXTS) == await self.score(reranker, TEXTS)

    async def test_documents_have_different_scores(self, reranker: Reranker) -> None:
        assert len(set(await self.score(reranker, TEXTS))) > 1

    async def test_a_score_depends_on_the_query(self, reranker: Reranker) -> None:
        scores = [await self.score(reranker, TEXTS, query) for query in (QUERY, "Whales are mammals.")]
        assert scores[0] != scores[1]

    @pytest.mark.parametrize("texts", SIMILAR, ids=lambda texts: texts[0])
    async def test_a_document_that_answers_is_better_than_an_unrelated_one(
        self, reranker: Reranker, texts: Sequence[str]
    ) -> None:
        if not self.has_meaning:
            pytest.skip("the model was not trained")
        answers, unrelated = await self.score(reranker, texts[1:], texts[0])
        assert answers > unrelated

    async def test_leaves_its_input_as_it_is(self, reranker: Reranker) -> None:
        documents = list(TEXTS)
        await reranker.count_tokens(QUERY, documents)
        await self.score(reranker, documents)
        assert documents == list(TEXTS)

    async def test_no_document_has_no_score(self, reranker: Reranker) -> None:
        assert await self.score(reranker, []) == []

    # Tokens

    async def test_counts_more_tokens_in_a_longer_document(self, reranker: Reranker) -> None:
        short, longer = await reranker.count_tokens("a", ["one two", "one two three four"])
        (with_query,) = await reranker.count_tokens("a b c d", ["one two"])
        assert 0 < short < longer
        assert short < with_query
        assert await reranker.count_tokens("a", []) == []

    async def test_counts_each_document_for_itself(self, reranker: Reranker) -> None:
        each = [(await reranker.count_tokens(QUERY, [text]))[0] for text in TEXTS]
        assert await reranker.count_tokens(QUERY, TEXTS) == each

    async def test_a_document_that_is_too_long_is_counted_whole_and_cut_off(self, reranker: Reranker) -> None:
        long = self.long_text(reranker) + "whales are mammals"
        longer = self.long_text(reranker) + "interest rates were raised by the bank " * 40
        counts = await reranker.count_tokens(QUERY, [long, longer])
        assert reranker.info().max_tokens < counts[0] < counts[1]
        one, other = await self.score(reranker, [long, longer])
        assert one == pytest.approx(other, abs=NEAR), "what comes after max_tokens has no part in the score"

    async def test_a_query_that_is_too_long_is_cut_off_too(self, reranker: Reranker) -> None:
        long = self.long_text(reranker)
        await self.score(reranker, ["a b", long], long + QUERY)

    # Concurrent and cancelled calls

    async def test_calls_at_once_do_not_mix(self, reranker: Reranker) -> None:
        calls = [[*TEXTS[start:], *TEXTS[:start]] for start in range(len(TEXTS))] * 2
        found = await asyncio.gather(*(self.score(reranker, documents) for documents in calls))
        for documents, scores in zip(calls, found, strict=True):
            assert scores == pytest.approx(await self.score(reranker, documents), abs=NEAR)

    async def test_a_cancelled_call_harms_no_other(self, reranker: Reranker) -> None:
        expected = await self.score(reranker, TEXTS)
        calls = [asyncio.create_task(self.score(reranker, TEXTS)) for _ in range(12)]
        await asyncio.sleep(0.01)
        cancelled = [call for call in calls[::2] if call.cancel()]
        ended = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), self.seconds)
        assert all(call.cancelled() for call in cancelled), "a call was cancelled, and ended as usual"
        for end in ended[1::2]:
            assert not isinstance(end, BaseException), f"{end!r} in a call that nobody cancelled"
            assert end == pytest.approx(expected, abs=NEAR)
        assert await self.score(reranker, TEXTS) == pytest.approx(expected, abs=NEAR)

    async def test_the_event_loop_runs_on_while_it_scores(self, reranker: Reranker) -> None:
        documents = [self.long_text(reranker)]
        while await stood_still(self.score(reranker, documents)) >= 0.5:
            assert len(documents) < 1024, (
                "the loop stands still for more than half of the time, however long it is"
            )
            documents *= 2

    async def test_is_healthy_after_all_this(self, reranker: Reranker) -> None:
        assert (await reranker.health()).ok
