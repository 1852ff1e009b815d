"""The tests that every adapter for the `Embedder` port passes."""

import asyncio
import threading
import time
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import pytest

from jarvis_plugins.registry import PortName
from jarvis_plugins.testkit.base import AdapterConformance
from jarvis_ports.embedding import Embedder, Matrix, TextRole

TEXTS = (
    "How do I reset my password?",
    "yes",
    "The invoice of 3 March amounts to 1,299.00 EUR, payable within 14 days of its receipt.",
    "def add(a: int, b: int) -> int:\n    return a + b",
    "北京是中华人民共和国的首都。",
    "العربية لغة سامية",
    "Thanks 🙏🏽 see you soon 👩‍🚀",
    "  white space\t\n\r\n on every side\u00a0\u200b ",
    "nul\x00, a private \ue000 character, and an e with an accent that combines: e\u0301",
)
SIMILAR = (
    (
        "A cat sits on the window sill.",
        "The cat sat by the window.",
        "Interest rates were raised by the bank.",
    ),
    (
        "How do I reset my password?",
        "To reset a password, open the settings.",
        "Whales are mammals of the sea.",
    ),
    ("The server ran out of memory.", "Memory ran out on the server.", "We bake bread with rye flour."),
)
"""A text, one that is like it in words and meaning, and an unrelated one."""
SAME = 0.9999
"""The least cosine of two vectors that count as the same; the arithmetic may differ with the batch."""


@pytest.mark.asyncio(loop_scope="class")
class EmbedderConformance(AdapterConformance):
    """Subclass it, name the adapter, and run pytest."""

    port = PortName.EMBEDDER
    seconds: ClassVar[float] = 60.0
    """The most seconds that the embedding of one test may take."""

    @pytest.fixture(scope="class")
    @classmethod
    def embedder(cls, opened: Embedder) -> Embedder:
        return opened

    async def embed(
        self, embedder: Embedder, texts: Sequence[str], role: TextRole = TextRole.DOCUMENT
    ) -> Matrix:
        """Embed texts, and check what must hold for every matrix."""
        async with asyncio.timeout(self.seconds):
            vectors = await embedder.embed(texts, role)
        assert isinstance(vectors, np.ndarray)
        assert vectors.dtype == np.float32
        assert vectors.shape == (len(texts), embedder.info().dimension)
        assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4), "rows have the length 1"
        return vectors

    def long_text(self, embedder: Embedder) -> str:
        """Return a text with more tokens than the model reads."""
        return "alpha beta gamma delta " * (embedder.info().max_tokens // 4 + 1)

    async def use(self, adapter: Embedder) -> None:
        await self.embed(adapter, TEXTS[:2])

    # What it says about itself

    async def test_info(self, embedder: Embedder) -> None:
        info = embedder.info()
        assert info.identity
        assert info.dimension >= 1
        assert info.max_tokens >= 1
        await self.embed(embedder, TEXTS)
        assert embedder.info() == info, "it is constant while it is loaded"

    async def test_is_healthy(self, embedder: Embedder) -> None:
        assert (await embedder.health()).ok

    # Vectors

    @pytest.mark.parametrize("role", TextRole)
    async def test_embeds_every_text_alone_and_in_a_batch_alike(
        self, embedder: Embedder, role: TextRole
    ) -> None:
        batch = await self.embed(embedder, TEXTS, role)
        for text, vector in zip(TEXTS, batch, strict=True):
            alone = (await self.embed(embedder, [text], role))[0]
            assert vector @ alone >= SAME, f"{text!r} depends on its batch, or the order is not kept"

    async def test_the_order_of_texts_is_kept(self, embedder: Embedder) -> None:
        vectors = await self.embed(embedder, TEXTS)
        backwards = await self.embed(embedder, TEXTS[::-1])
        assert (cosines(vectors, backwards[::-1]) >= SAME).all()

    async def test_the_same_call_gives_the_same_vectors(self, embedder: Embedder) -> None:
        assert (await self.embed(embedder, TEXTS) == await self.embed(embedder, TEXTS)).all()

    async def test_equal_texts_of_a_batch_have_the_same_vector(self, embedder: Embedder) -> None:
        first, _, second = await self.embed(embedder, [TEXTS[0], TEXTS[2], TEXTS[0]])
        assert first @ second >= SAME

    async def test_different_texts_have_different_vectors(self, embedder: Embedder) -> None:
        vectors = await self.embed(embedder, TEXTS)
        assert (vectors @ vectors.T < SAME).sum() == len(TEXTS) * (len(TEXTS) - 1)

    async def test_a_batch_may_be_large(self, embedder: Embedder) -> None:
        texts = [f"{TEXTS[0]} {number}" for number in range(150)]
        vectors = await self.embed(embedder, texts)
        assert (await self.embed(embedder, texts[-1:]) @ vectors[-1] >= SAME).all()

    async def test_leaves_its_input_and_its_results_as_they_are(self, embedder: Embedder) -> None:
        texts = list(TEXTS)
        embedder.count_tokens(texts, TextRole.DOCUMENT)
        vectors = await self.embed(embedder, texts)
        as_it_was = vectors.copy()
        await self.embed(embedder, texts[::-1])
        assert texts == list(TEXTS)
        assert (vectors == as_it_was).all(), "the next call writes into the result of the one before"

    @pytest.mark.parametrize("texts", SIMILAR, ids=lambda texts: texts[0])
    async def test_a_similar_text_is_nearer_than_an_unrelated_one(
        self, embedder: Embedder, texts: Sequence[str]
    ) -> None:
        query = (await self.embed(embedder, texts[:1], TextRole.QUERY))[0]
        similar, unrelated = await self.embed(embedder, texts[1:])
        assert query @ similar > query @ unrelated

    # Tokens

    @pytest.mark.parametrize("role", TextRole)
    async def test_counts_more_tokens_in_a_longer_text(self, embedder: Embedder, role: TextRole) -> None:
        short, longer, empty = embedder.count_tokens(["one two", "one two three four", ""], role)
        assert 0 <= empty < short < longer
        assert embedder.count_tokens([], role) == []

    async def test_counts_each_text_for_itself(self, embedder: Embedder) -> None:
        each = [embedder.count_tokens([text], TextRole.QUERY)[0] for text in TEXTS]
        assert embedder.count_tokens(TEXTS, TextRole.QUERY) == each

    async def test_a_text_that_is_too_long_is_counted_whole_and_cut_off(self, embedder: Embedder) -> None:
        limit = embedder.info().max_tokens
        long = self.long_text(embedder) + "whales are mammals"
        longer = self.long_text(embedder) + "interest rates were raised by the bank " * 40
        counts = embedder.count_tokens([long, longer], TextRole.DOCUMENT)
        assert limit < counts[0] < counts[1]
        one, other = await self.embed(embedder, [long, longer])
        assert one @ other >= SAME, "what comes after max_tokens has no part in the vector"
        assert embedder.count_tokens([long, longer], TextRole.DOCUMENT) == counts

    async def test_tokens_are_counted_in_other_threads_while_it_embeds(self, embedder: Embedder) -> None:
        texts = [*TEXTS, self.long_text(embedder)]
        counts = embedder.count_tokens(texts, TextRole.DOCUMENT)
        expected = await self.embed(embedder, texts)
        done = threading.Event()

        def count_on() -> list[list[int]]:
            found = [embedder.count_tokens(texts, TextRole.DOCUMENT)]
            while not done.is_set():
                found.append(embedder.count_tokens(texts, TextRole.DOCUMENT))
            return found

        counting = [asyncio.create_task(asyncio.to_thread(count_on)) for _ in range(3)]
        try:
            vectors = [await self.embed(embedder, texts) for _ in range(4)]
        finally:
            done.set()
            counted = await asyncio.gather(*counting)
        assert all(each == counts for found in counted for each in found)
        assert all((cosines(each, expected) >= SAME).all() for each in vectors)

    # Concurrent and cancelled calls

    async def test_calls_at_once_do_not_mix(self, embedder: Embedder) -> None:
        batches = [[f"{text} {number}" for text in TEXTS] for number in range(16)]
        found = await asyncio.gather(*(self.embed(embedder, batch) for batch in batches))
        for batch, vectors in zip(batches, found, strict=True):
            assert (cosines(vectors, await self.embed(embedder, batch)) >= SAME).all()

    async def test_a_cancelled_call_harms_no_other(self, embedder: Embedder) -> None:
        expected = await self.embed(embedder, TEXTS)
        calls = [asyncio.create_task(self.embed(embedder, TEXTS)) for _ in range(12)]
        await asyncio.sleep(0.01)
        cancelled = [call for call in calls[::2] if call.cancel()]
        ended = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), self.seconds)
        assert all(call.cancelled() for call in cancelled), "a call was cancelled, and ended as usual"
        for end in ended[1::2]:
            assert not isinstance(end, BaseException), f"{end!r} in a call that nobody cancelled"
            assert (cosines(end, expected) >= SAME).all()
        assert (cosines(await self.embed(embedder, TEXTS), expected) >= SAME).all()

    async def test_the_event_loop_runs_on_while_it_embeds(self, embedder: Embedder) -> None:
        texts = [self.long_text(embedder)]
        while await stood_still(self.embed(embedder, texts)) >= 0.5:
            assert len(texts) < 1024, (
                "the loop stands still for more than half of the time, however long it is"
            )
            texts *= 2

    async def test_is_healthy_after_all_this(self, embedder: Embedder) -> None:
        assert (await embedder.health()).ok


def cosines(one: Matrix, other: Matrix) -> Any:  # noqa: ANN401 - an array
    """Return the cosine of each row of one matrix to the same row of the other."""
    return np.sum(one * other, axis=1)


async def stood_still(work: Any) -> float:  # noqa: ANN401 - a coroutine
    """Return the longest time in which the event loop ran nothing else, as a share of the work's time."""
    task = asyncio.ensure_future(work)
    gap = 0.0
    started = last = time.monotonic()
    while not task.done():
        await asyncio.sleep(0.001)
        now = time.monotonic()
        gap, last = max(gap, now - last), now
    await task
    return gap / (last - started)
