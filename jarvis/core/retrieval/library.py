"""Everything that retrieval needs to have open."""

from dataclasses import dataclass

from jarvis.core.retrieval.text_index import TextIndex
from jarvis.core.text import DocumentReader
from jarvis_ports.health import Health
from jarvis_ports.store import VectorStore


@dataclass(frozen=True, eq=False)
class Library:
    """A vector store, the index that mirrors its texts, and the reader of documents."""

    store: VectorStore
    texts: TextIndex
    reader: DocumentReader

    async def health(self) -> Health:
        """Return whether the store answers; the rest is on this machine."""
        return await self.store.health()
