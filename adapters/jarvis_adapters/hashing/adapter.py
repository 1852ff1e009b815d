"""Embeds by hashing, so that texts that share words, or parts of words, are near each other.

A token is a run of letters and digits, or one other character that is not white space; there are no special
tokens, and roles make no difference. Each token and its trigrams are counted, each in a component of the
vector and with a sign that its hash chooses (Weinberger et al. 2009, "Feature Hashing for Large Scale
Multitask Learning").
"""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from zlib import crc32

import numpy as np
from pydantic import Field

from jarvis_plugins import AdapterSettings
from jarvis_ports.embedding import EmbedderInfo, Matrix, TextRole
from jarvis_ports.errors import EngineDead
from jarvis_ports.health import Health

_TOKEN = re.compile(r"\w+|[^\w\s]")


class HashingSettings(AdapterSettings):
    """How the stand-in behaves."""

    dimension: int = Field(64, ge=1, description="Components of a vector.")
    max_tokens: int = Field(256, ge=1, description="Tokens that are read of a text; the rest is cut off.")


@asynccontextmanager
async def open_hashing(settings: HashingSettings) -> AsyncIterator["Hashing"]:
    """Open the embedder; once closed, it raises `EngineDead`."""
    with ThreadPoolExecutor(1, thread_name_prefix="hashing") as executor:
        hashing = Hashing(settings, executor)
        try:
            yield hashing
        finally:
            hashing.closed = True


class Hashing:
    """An `Embedder` that hashes words."""

    def __init__(self, settings: HashingSettings, executor: ThreadPoolExecutor) -> None:
        self._executor = executor
        self._info = EmbedderInfo(
            identity=f"hashing-1-{settings.dimension}-{settings.max_tokens}",
            dimension=settings.dimension,
            max_tokens=settings.max_tokens,
            notes=("a stand-in: it hashes words",),
        )
        self.closed = False

    def info(self) -> EmbedderInfo:
        """See `jarvis_ports.embedding.Embedder.info`."""
        return self._info

    def count_tokens(self, texts: Sequence[str], role: TextRole) -> list[int]:  # noqa: ARG002 - roles are alike
        """See `jarvis_ports.embedding.Embedder.count_tokens`."""
        return [len(tokens(text)) for text in texts]

    async def embed(self, texts: Sequence[str], role: TextRole) -> Matrix:  # noqa: ARG002 - roles are alike
        """See `jarvis_ports.embedding.Embedder.embed`."""
        if self.closed:
            msg = "hashing was closed"
            raise EngineDead(msg)
        return await asyncio.get_running_loop().run_in_executor(self._executor, self._embed, tuple(texts))

    async def health(self) -> Health:
        """See `jarvis_ports.embedding.Embedder.health`."""
        return Health(ok=not self.closed, message="closed" if self.closed else "")

    def _embed(self, texts: Sequence[str]) -> Matrix:
        vectors = np.zeros((len(texts), self._info.dimension), np.float32)
        for vector, text in zip(vectors, texts, strict=True):
            for token in tokens(text.lower())[: self._info.max_tokens]:
                for feature in features(token):
                    hashed = crc32(feature.encode())
                    vector[hashed % len(vector)] += 1 if hashed & 0x80000000 else -1
            if not vector.any():  # no token, or features that cancel each other
                vector[0] = 1
        unit: Matrix = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def tokens(text: str) -> list[str]:
    """Return the tokens of a text."""
    return _TOKEN.findall(text)


def features(token: str) -> list[str]:
    """Return what a token is compared by: itself, and its trigrams."""
    padded = f"^{token}$"
    return [token, *(padded[start : start + 3] for start in range(len(padded) - 2))]
