"""An embedder whose model hangs: a thread, which nothing can end."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import pytest

from jarvis_adapters.sentence_transformers.embedder import SentenceTransformersEmbedder
from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import EngineDead


def _embedder(encoder, executor, hang_seconds):
    loaded = SimpleNamespace(runner=encoder)
    return SentenceTransformersEmbedder(loaded, {TextRole.QUERY: executor}, hang_seconds)


async def test_a_batch_that_does_not_end_is_the_end_of_the_embedder():
    released = threading.Event()
    encoder = SimpleNamespace(down="", encode=lambda *_: released.wait(60))
    with ThreadPoolExecutor(1) as executor:
        embedder = _embedder(encoder, executor, 1)
        with pytest.raises(EngineDead, match="a batch did not end within 1 s"):
            await asyncio.wait_for(embedder.embed(["a"], TextRole.QUERY), 20)
        assert not (await embedder.health()).ok
        assert embedder.hangs
        with pytest.raises(EngineDead):
            await embedder.embed(["b"], TextRole.QUERY)
        released.set()


async def test_a_slow_batch_is_no_hang():
    encoder = SimpleNamespace(down="", encode=lambda *_: threading.Event().wait(1.2))
    with ThreadPoolExecutor(1) as executor:
        embedder = _embedder(encoder, executor, 5)
        assert await embedder.embed(["a"], TextRole.QUERY) is False
        assert (await embedder.health()).ok
