"""Keeps texts with their vectors in collections, and finds those that answer a question."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from jarvis.core.embedding import Embedding
from jarvis.core.lifecycle.component import Component
from jarvis.core.retrieval.catalog import CollectionCatalog
from jarvis.core.retrieval.collections import Collections
from jarvis.core.retrieval.ingest import Ingest
from jarvis.core.retrieval.library import Library
from jarvis.core.retrieval.rows import RowWriter
from jarvis.core.retrieval.search import Search
from jarvis.core.retrieval.stored import StoredDocuments
from jarvis.core.retrieval.types import RetrievalSettings
from jarvis.core.retrieval.writer import Locks
from jarvis.core.telemetry.instruments import Instruments
from jarvis_ports.embedding import Matrix
from jarvis_ports.store import CollectionSpec
from jarvis_ports.values import (
    Collection,
    Diagnosis,
    Filter,
    IndexChanges,
    IndexSettings,
    IngestEvent,
    IngestResult,
    Progress,
    Row,
    SearchQuery,
    SearchResult,
    StoredDocument,
)


class Retrieval:
    """The use cases of retrieval.

    Every method raises `NotConfigured` where there is no library, `Unavailable` while it or the embedding
    model is not there, `StoreFailure` where the store failed, and all but `create` and `collections`
    `CollectionNotFound`.

    Args:
        library: what it works with; None is none.
        embedding: the use case of embedding.
        settings: what holds where a request says nothing.
        instruments: measure it.
    """

    def __init__(
        self,
        library: Component[Library] | None,
        embedding: Embedding,
        settings: RetrievalSettings,
        instruments: Instruments,
    ) -> None:
        catalog = CollectionCatalog(library, embedding)
        self._catalog = catalog
        self._collections = Collections(catalog, settings.max_document_bytes)
        self._rows = RowWriter(catalog)
        self._search = Search(catalog, instruments)
        locks = Locks()
        self._ingest = Ingest(catalog, settings, instruments, locks)
        self._stored = StoredDocuments(catalog, locks)

    async def create(self, name: str, index: IndexSettings) -> Collection:
        """Make a collection for the configured embedding model; does nothing where it exists just so.

        Raises:
            InvalidArgument: the name or a setting is out of range.
            CollectionMismatch: it exists otherwise.
        """
        return await self._collections.create(name, index)

    async def collection(self, name: str) -> Collection:
        """Return what is known of one collection."""
        return await self._collections.get(name)

    async def spec(self, name: str) -> CollectionSpec:
        """Return what a collection was made for, without counting its rows."""
        return (await self._catalog.get(name)).spec

    async def collections(self) -> list[Collection]:
        """Return what is known of all collections, by name."""
        return await self._collections.list()

    async def drop(self, name: str) -> int:
        """Delete a collection with all that is in it, and say how many rows it had."""
        return await self._collections.drop(name)

    def check(self, name: str) -> AsyncGenerator[Progress | Diagnosis, None]:
        """Look for rows that no search finds, and counts that disagree: `Progress`, then one `Diagnosis`."""
        return self._collections.check(name)

    def rebuild(self, name: str, changes: IndexChanges) -> AsyncGenerator[Progress, None]:
        """Build a collection anew from its stored rows, for the configured embedding model; writes wait.

        The text index is made anew too. Closed in the middle, the collection stays as it was.

        Raises:
            InvalidArgument: a setting is out of range.
        """
        return self._collections.rebuild(name, changes)

    async def upsert(
        self, name: str, rows: Sequence[Row], vectors: Sequence[Matrix | None], *, truncate: bool = False
    ) -> int:
        """Insert rows, or replace those of the same id; what has returned is stored.

        Args:
            name: the collection's name.
            rows: 1 to 2,048.
            vectors: one for each row, of shape (components,); None: its text is embedded.
            truncate: cut off texts that are too long before they are embedded, instead of refusing them.

        Raises:
            InvalidArgument: naming every field that is wrong; `TextTooLong` for a text.
            CollectionMismatch: the collection was made for another embedding model.
        """
        return await self._rows.upsert(name, rows, vectors, truncate=truncate)

    async def delete(
        self, name: str, ids: Sequence[str], filter_: Filter | None, *, dry_run: bool = False
    ) -> int:
        """Delete rows of these ids, or those that pass, or those of these ids that pass; return how many.

        Raises:
            InvalidArgument: there are neither ids nor a filter.
        """
        return await self._rows.delete(name, ids, filter_, dry_run=dry_run)

    async def search(self, query: SearchQuery) -> SearchResult:
        """Return the rows that answer a query.

        Raises:
            InvalidArgument: naming every field that is wrong; `TextTooLong` for the text.
            CollectionMismatch: the collection was made for another embedding model.
        """
        return await self._search.run(query)

    def ingest(self, events: AsyncIterator[IngestEvent]) -> AsyncGenerator[IngestResult, None]:
        """Take documents in: an `IngestedDocument` for each, in order, once it is stored; then those pruned.

        Closed or failed in the middle, what came out is stored, and the same documents again repair the rest.

        Raises:
            InvalidArgument: an event is wrong, or out of order.
            CollectionMismatch: the collection was made for another embedding model.
            EngineFailure: the embedding model failed at a text.
        """
        return self._ingest.run(events)

    def documents(self, name: str, prefixes: Sequence[str]) -> AsyncGenerator[list[StoredDocument], None]:
        """Return the documents whose source begins with one of some texts, or all, by id, page by page."""
        return self._stored.list(name, prefixes)

    async def delete_documents(self, name: str, ids: Sequence[str]) -> int:
        """Delete documents with all their chunks, and return how many there were.

        Raises:
            InvalidArgument: there are no ids, or too many.
        """
        return await self._stored.delete(name, ids)
