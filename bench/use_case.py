"""Opens retrieval as the server does, for benchmarks in one process."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.adapters import opened, real_embedder
from jarvis.app.config import Config
from jarvis.core.embedding import Embedding
from jarvis.core.lifecycle.component import Component, WhenUnwell
from jarvis.core.reranking import Reranking
from jarvis.core.retrieval import Library, Retrieval, RetrievalSettings
from jarvis.core.telemetry.instruments import Instruments
from jarvis.documents.reader import Reader
from jarvis.textindex import SQLiteTextIndex
from jarvis_plugins.registry import PortName


@asynccontextmanager
async def retrieval(reranking: Reranking | None = None, candidates: int = 50) -> AsyncIterator[Retrieval]:
    """Open the real model, the real store, and the text index, in a folder that is deleted at the end.

    Args:
        reranking: orders the first `candidates` hits, however long it takes; None for none.
        candidates: how many.
    """
    os.environ["HF_HUB_OFFLINE"] = "1"
    config = Config()
    with tempfile.TemporaryDirectory() as folder:
        async with (
            real_embedder() as embedder,
            opened(PortName.STORE, "chroma", path=str(Path(folder, "chroma"))) as store,
            SQLiteTextIndex.open(Path(folder, "texts")) as texts,
            Reader() as reader,
        ):

            @asynccontextmanager
            async def library() -> AsyncIterator[Library]:
                yield Library(store.port, texts, reader)

            component = Component(PortName.STORE, "chroma", "chroma", library, WhenUnwell.WAIT)
            running = asyncio.create_task(component.run())
            await component.changed.wait()
            embedding = Embedding(
                embedder, [], max_batch_tokens=config.embedder.max_batch_tokens, instruments=Instruments()
            )
            limits = config.retrieval
            yield Retrieval(
                component,
                embedding,
                RetrievalSettings(
                    limits.chunk_tokens, limits.chunk_overlap, limits.max_document_bytes, candidates, 3600.0
                ),
                Instruments(),
                reranking,
            )
            running.cancel()
