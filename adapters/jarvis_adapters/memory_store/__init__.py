"""The `VectorStore` port in memory: its searches are exact, and its rows are gone with the process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jarvis_plugins import AdapterSettings, Registry, hookimpl
from jarvis_ports.store import VectorStore


class MemoryStoreSettings(AdapterSettings):
    """Settings of the `memory` store: none."""


@asynccontextmanager
async def open_memory_store(_: MemoryStoreSettings) -> AsyncIterator[VectorStore]:
    """Open an empty store, and forget it when the context is left."""
    from jarvis_adapters.memory_store.store import MemoryStore  # noqa: PLC0415 - imports numpy

    yield MemoryStore()


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register the store `memory`."""
    registry.store("memory", settings=MemoryStoreSettings, factory=open_memory_store)
