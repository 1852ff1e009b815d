"""A plugin for Jarvis: the vector store `pgvector`, on PostgreSQL with the extension pgvector."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jarvis_pgvector.settings import PgvectorSettings
from jarvis_plugins import Registry, hookimpl
from jarvis_ports.store import VectorStore


@asynccontextmanager
async def open_pgvector(settings: PgvectorSettings) -> AsyncIterator[VectorStore]:
    """Open the store, and close it when the context is left.

    Raises:
        StoreUnusable: PostgreSQL does not answer, lacks pgvector, or holds what a newer Jarvis wrote.
    """
    from jarvis_pgvector.database import opened  # noqa: PLC0415 - imports asyncpg
    from jarvis_pgvector.store import PgvectorStore  # noqa: PLC0415

    async with opened(settings) as database:
        store = PgvectorStore(database)
        try:
            yield store
        finally:
            await store.close()


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register the store `pgvector`."""
    registry.store("pgvector", settings=PgvectorSettings, factory=open_pgvector)
