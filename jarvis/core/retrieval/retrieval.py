"""Keeps texts with their vectors in collections, and finds those that answer a question."""

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


class Retrieval:
    """The use cases of retrieval, by what they are about.

    Every one of them raises `NotConfigured` where there is no library, `Unavailable` while the library or the
    embedding model is not there, `StoreFailure` where the store failed, and, unless it makes or lists
    collections, `CollectionNotFound`.

    Args:
        library: what they work with; None where there is none.
        embedding: the use case of embedding.
        settings: the defaults of requests.
        instruments: measure them.

    Attributes:
        collections: made, listed, dropped, checked and built anew.
        rows: stored and deleted one by one.
        search: finds rows.
        ingest: takes documents in.
        documents: listed and deleted after they were ingested.
    """

    def __init__(
        self,
        library: Component[Library] | None,
        embedding: Embedding,
        settings: RetrievalSettings,
        instruments: Instruments,
    ) -> None:
        catalog = CollectionCatalog(library, embedding)
        locks = Locks()
        self.collections = Collections(catalog, settings.max_document_bytes)
        self.rows = RowWriter(catalog)
        self.search = Search(catalog, instruments)
        self.ingest = Ingest(catalog, settings, instruments, locks)
        self.documents = StoredDocuments(catalog, locks)
