"""Scores a document by the share of the query's tokens, and parts of them, that it has as well.

Tokens are those of `hashing`; the query and a document together have one more, which stands between them. Of
two documents that have as much, the shorter is a little better.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pydantic import Field

from jarvis_adapters.hashing.adapter import features, tokens
from jarvis_plugins import AdapterSettings
from jarvis_ports.errors import EngineDead
from jarvis_ports.health import Health
from jarvis_ports.reranker import RerankerInfo


class OverlapSettings(AdapterSettings):
    """How the stand-in behaves."""

    max_tokens: int = Field(
        256, ge=3, description="Tokens that are read of a query and a document; the rest is cut off."
    )


@asynccontextmanager
async def open_overlap(settings: OverlapSettings) -> AsyncIterator["Overlap"]:
    """Open the reranker; once closed, it raises `EngineDead`."""
    overlap = Overlap(settings)
    try:
        yield overlap
    finally:
        overlap.closed = True


class Overlap:
    """A `Reranker` that compares words."""

    def __init__(self, settings: OverlapSettings) -> None:
        self._max_tokens = settings.max_tokens
        self.closed = False

    def info(self) -> RerankerInfo:
        """See `jarvis_ports.reranker.Reranker.info`."""
        return RerankerInfo(self._max_tokens, notes=("a stand-in: it compares words",))

    async def count_tokens(self, query: str, documents: Sequence[str]) -> list[int]:
        """See `jarvis_ports.reranker.Reranker.count_tokens`."""
        asked = len(tokens(query)) + 1
        return [asked + len(tokens(document)) for document in documents]

    async def score(self, query: str, documents: Sequence[str]) -> list[float]:
        """See `jarvis_ports.reranker.Reranker.score`."""
        scores = []
        for document in documents:
            if self.closed:
                msg = "overlap was closed"
                raise EngineDead(msg)
            scores.append(await asyncio.to_thread(self._score, query, document))
        return scores

    async def health(self) -> Health:
        """See `jarvis_ports.reranker.Reranker.health`."""
        return Health(ok=not self.closed, message="closed" if self.closed else "")

    def _score(self, query: str, document: str) -> float:
        asked = tokens(query.lower())[: self._max_tokens - 2]
        read = tokens(document.lower())[: self._max_tokens - 1 - len(asked)]
        wanted = {feature for token in asked for feature in features(token)}
        there = {feature for token in read for feature in features(token)}
        return len(wanted & there) / (len(wanted) or 1) + 0.01 / (1 + len(read))
