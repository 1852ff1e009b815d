"""A reranker that scores a document by the share of the query's words that it has; a token is a word."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from jarvis_ports.health import Health
from jarvis_ports.reranker import Reranker, RerankerInfo

from .settings import Settings


@asynccontextmanager
async def open_adapter(settings: Settings) -> AsyncIterator[Reranker]:
    """Load the model, and free what it holds when the context is left."""
    yield Adapter(settings)


class Adapter:
    """See `jarvis_ports.reranker.Reranker`."""

    def __init__(self, settings: Settings) -> None:
        self._max_tokens = settings.max_tokens

    def info(self) -> RerankerInfo:
        """See the port."""
        return RerankerInfo(self._max_tokens)

    async def count_tokens(self, query: str, documents: Sequence[str]) -> list[int]:
        """See the port."""
        asked = len(_tokens(query))
        return [asked + len(_tokens(document)) for document in documents]

    async def score(self, query: str, documents: Sequence[str]) -> list[float]:
        """See the port."""
        return [await asyncio.to_thread(self._score, query, document) for document in documents]

    async def health(self) -> Health:
        """See the port."""
        return Health(ok=True)

    def _score(self, query: str, document: str) -> float:
        asked = _tokens(query)[: self._max_tokens - 1]
        read = _tokens(document)[: self._max_tokens - len(asked)]
        return len({*asked} & {*read}) / (len({*asked}) or 1)


def _tokens(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text.lower())
