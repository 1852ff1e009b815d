"""The `Embedder` port on sentence-transformers.

Whatever differs between versions of sentence-transformers and torch stays in this folder. It has been run
with sentence-transformers 6.2, on a CPU with torch 2.13 and on an NVIDIA H100 and H200. A GPU that fails or
runs out of memory is unit-tested with stand-ins only.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jarvis_adapters.sentence_transformers.settings import SentenceTransformersSettings
from jarvis_plugins import Registry, hookimpl
from jarvis_ports.embedding import Embedder


@asynccontextmanager
async def open_sentence_transformers(settings: SentenceTransformersSettings) -> AsyncIterator[Embedder]:
    """Load the model, and free its memory when the context is left.

    Raises:
        EngineStartFailed: the model cannot be loaded; the message is what sentence-transformers said.
    """
    from jarvis_adapters.sentence_transformers.embedder import running  # noqa: PLC0415 - imports torch

    async with running(settings) as embedder:
        yield embedder


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register `sentence-transformers`."""
    registry.embedder(
        "sentence-transformers", settings=SentenceTransformersSettings, factory=open_sentence_transformers
    )
