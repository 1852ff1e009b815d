"""Keeps texts with their vectors in collections, and finds those that answer a question."""

from jarvis.core.embedding import Embedding
from jarvis.core.lifecycle.component import Component
from jarvis.core.reranking import Reranking
from jarvis.core.retrieval.catalog import CollectionCatalog
from jarvis.core.retrieval.collections import Collections
from jarvis.core.retrieval.ingest import Ingest
from jarvis.core.retrieval.library import Library
from jarvis.core.retrieval.reranked import HitReranker
from jarvis.core.retrieval.rows import RowWriter
from jarvis.core.retrieval.search import Search
from jarvis.core.retrieval.stored import StoredDocuments
from jarvis.core.retrieval.types import RetrievalSettings
from jarvis.core.retrieval.writer import Locks
from jarvis.core.telemetry.instruments import Instruments


class Retrieval:
    """The use cases of retrieval, by what they are about.

    Each of them raises `NotConfigured` if there is no library, `Unavailable` while the library or the
    embedding model is not open, `StoreFailure` if the store fails, and, unless it makes or lists collections,
    `CollectionNotFound`.

    Args:
        library: what they work with; None if none is configured.
        embedding: the use case of embedding.
        settings: the defaults of requests, and the largest document.
        instruments: measure the requests.
        reranking: the use case of reranking; None for none.

    Attributes:
        collections: makes, lists, drops, checks and rebuilds collections.
        rows: stores and deletes single rows.
        search: finds rows.
        ingest: ingests documents.
        documents: lists and deletes documents that were ingested.
    """

    def __init__(
        self,
        library: Component[Library] | None,
        embedding: Embedding,
        settings: RetrievalSettings,
        instruments: Instruments,
        reranking: Reranking | None = None,
    ) -> None:
        catalog = CollectionCatalog(library, embedding)
        locks = Locks()
        self.collections = Collections(catalog, settings.max_document_bytes)
        self.rows = RowWriter(catalog)
        reranker = HitReranker(reranking or Reranking(None, instruments), settings, instruments)
        self.search = Search(catalog, reranker, instruments)
        self.ingest = Ingest(catalog, settings, instruments, locks)
        self.documents = StoredDocuments(catalog, locks)
