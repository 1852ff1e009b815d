"""The ports `Embedder` and `Reranker` on sentence-transformers.

Whatever differs between versions of sentence-transformers and torch stays in this folder. It has been run
with sentence-transformers 6.2, on a CPU with torch 2.13, and the embedder on an NVIDIA H100 and H200. A GPU
that fails or runs out of memory is unit-tested with stand-ins only.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jarvis_adapters.sentence_transformers.settings import CrossEncoderSettings, SentenceTransformersSettings
from jarvis_plugins import Registry, hookimpl
from jarvis_ports.embedding import Embedder
from jarvis_ports.reranker import Reranker


@asynccontextmanager
async def open_sentence_transformers(settings: SentenceTransformersSettings) -> AsyncIterator[Embedder]:
    """Load the model, and free its memory when the context is left.

    Raises:
        EngineStartFailed: the model cannot be loaded; the message is what sentence-transformers said.
    """
    from jarvis_adapters.sentence_transformers.embedder import running  # noqa: PLC0415 - imports torch

    async with running(settings) as embedder:
        yield embedder


@asynccontextmanager
async def open_cross_encoder(settings: CrossEncoderSettings) -> AsyncIterator[Reranker]:
    """Load the model, and free its memory when the context is left; raise what the other factory raises."""
    from jarvis_adapters.sentence_transformers.cross_encoder import running  # noqa: PLC0415 - as above

    async with running(settings) as reranker:
        yield reranker


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register the embedder `sentence-transformers` and the reranker `cross-encoder`."""
    registry.embedder(
        "sentence-transformers", settings=SentenceTransformersSettings, factory=open_sentence_transformers
    )
    registry.reranker("cross-encoder", settings=CrossEncoderSettings, factory=open_cross_encoder)
