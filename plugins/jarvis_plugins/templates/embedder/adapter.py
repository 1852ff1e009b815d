"""An embedder that counts words, each in a component that its hash chooses; a token is a word."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from zlib import crc32

import numpy as np

from jarvis_ports.embedding import Embedder, EmbedderInfo, Matrix, TextRole
from jarvis_ports.health import Health

from .settings import Settings


@asynccontextmanager
async def open_adapter(settings: Settings) -> AsyncIterator[Embedder]:
    """Load the model, and free what it holds when the context is left."""
    yield Adapter(settings)


class Adapter:
    """See `jarvis_ports.embedding.Embedder`."""

    def __init__(self, settings: Settings) -> None:
        identity = f"words-1-{settings.dimension}-{settings.max_tokens}"
        self._info = EmbedderInfo(identity, settings.dimension, settings.max_tokens)

    def info(self) -> EmbedderInfo:
        """See the port."""
        return self._info

    def count_tokens(self, texts: Sequence[str], role: TextRole) -> list[int]:
        """See the port."""
        return [len(_tokens(text)) for text in texts]

    async def embed(self, texts: Sequence[str], role: TextRole) -> Matrix:
        """See the port."""
        return await asyncio.to_thread(self._embed, texts)

    async def health(self) -> Health:
        """See the port."""
        return Health(ok=True)

    def _embed(self, texts: Sequence[str]) -> Matrix:
        vectors = np.zeros((len(texts), self._info.dimension), np.float32)
        vectors[:, 0] = 1  # no vector is zero
        for vector, text in zip(vectors, texts, strict=True):
            for token in _tokens(text)[: self._info.max_tokens]:
                vector[crc32(token.encode()) % self._info.dimension] += 1
        unit: Matrix = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def _tokens(text: str) -> list[str]:
    return re.findall(r"\w+|[^\w\s]", text.lower())
