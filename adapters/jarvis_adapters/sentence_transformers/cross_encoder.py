"""The reranker on sentence-transformers, which scores one batch at a time, in a thread."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from jarvis_adapters.sentence_transformers.settings import CrossEncoderSettings
from jarvis_adapters.sentence_transformers.thread import Hangs, finished, loaded
from jarvis_ports.errors import EngineDead
from jarvis_ports.health import Health
from jarvis_ports.reranker import RerankerInfo

if TYPE_CHECKING:
    from jarvis_adapters.sentence_transformers.cross_encoder_load import LoadedCrossEncoder


@asynccontextmanager
async def running(settings: CrossEncoderSettings) -> AsyncIterator["CrossEncoderReranker"]:
    """Load a model; on exit, finish the current batch, drop the waiting ones, and free the model's memory.

    Raises:
        EngineStartFailed: the model cannot be loaded; the message is one line that says why.
    """
    async with loaded("cross_encoder_load", settings, "reranker") as (found, thread):
        reranker = CrossEncoderReranker(found, thread.executor, settings.hang_seconds)
        try:
            yield reranker
        finally:
            reranker.close()
            thread.hangs = reranker.hangs


class CrossEncoderReranker:
    """A `Reranker` on a loaded model.

    Attributes:
        hangs: whether its thread is stuck in a batch that does not end.
    """

    def __init__(
        self, found: "LoadedCrossEncoder", executor: ThreadPoolExecutor, hang_seconds: float
    ) -> None:
        self.hangs = False
        self._loaded = found
        self._scorer = found.runner
        self._executor = executor
        self._hang_seconds = hang_seconds
        self._turn = asyncio.Lock()

    def info(self) -> RerankerInfo:
        """See `jarvis_ports.reranker.Reranker.info`."""
        return self._loaded.info

    async def count_tokens(self, query: str, documents: Sequence[str]) -> list[int]:
        """See `jarvis_ports.reranker.Reranker.count_tokens`."""
        return await asyncio.to_thread(self._loaded.count, query, documents)

    async def score(self, query: str, documents: Sequence[str]) -> list[float]:
        """See `jarvis_ports.reranker.Reranker.score`.

        Batches go to the thread one by one, so that callers take turns, and one that has left has none.
        """
        counts = await self.count_tokens(query, documents)
        lengths = [min(count, self._loaded.info.max_tokens) for count in counts]
        scores = [0.0] * len(documents)
        for batch in batches(lengths, self._loaded.batch_tokens):
            scored = await self._batch(query, [documents[index] for index in batch])
            for index, score in zip(batch, scored, strict=True):
                scores[index] = score
        return scores

    async def _batch(self, query: str, documents: Sequence[str]) -> list[float]:
        run = asyncio.get_running_loop().run_in_executor
        async with self._turn:
            if self._scorer.down:
                raise EngineDead(self._scorer.down)
            batch = run(self._executor, self._scorer.score, query, documents)
            try:
                scored = await finished(batch, self._hang_seconds)
            except Hangs as hang:
                self.hangs, self._scorer.down = True, str(hang)
                raise
        return [float(score) for score in scored]

    async def health(self) -> Health:
        """See `jarvis_ports.reranker.Reranker.health`."""
        return Health(ok=not self._scorer.down, message=self._scorer.down)

    def close(self) -> None:
        """Refuse further batches; those that wait behind the current one raise `EngineDead`."""
        self._scorer.down = self._scorer.down or "the reranker was closed"


def batches(lengths: Sequence[int], most: int) -> Iterator[list[int]]:
    """Yield the positions of texts in batches of similar length, the longest first.

    Args:
        lengths: the texts' lengths, in tokens.
        most: the most tokens of a batch, padded to its longest text; one text alone may have more.
    """
    batch: list[int] = []
    for position in sorted(range(len(lengths)), key=lambda position: -lengths[position]):
        if batch and lengths[batch[0]] * (len(batch) + 1) > most:
            yield batch
            batch = []
        batch.append(position)
    if batch:
        yield batch
