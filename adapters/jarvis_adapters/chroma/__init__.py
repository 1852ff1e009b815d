"""The `VectorStore` port on Chroma: embedded, or on a Chroma server.

Whatever differs between versions of Chroma stays in this folder. It has been run with chromadb 1.5.9.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jarvis_adapters.chroma.settings import ChromaSettings
from jarvis_plugins import Registry, hookimpl
from jarvis_ports.store import VectorStore


@asynccontextmanager
async def open_chroma(settings: ChromaSettings) -> AsyncIterator[VectorStore]:
    """Open the store, and close it when the context is left.

    Raises:
        StoreUnusable: its folder is locked, damaged, or cannot be written; or its server does not answer.
    """
    from jarvis_adapters.chroma.start import opened  # noqa: PLC0415 - imports chromadb

    async with opened(settings) as store:
        yield store


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register the store `chroma`."""
    registry.store("chroma", settings=ChromaSettings, factory=open_chroma)
