"""Ingests a stream of documents."""

from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from jarvis.core.in_order import in_order
from jarvis.core.retrieval.catalog import CollectionCatalog
from jarvis.core.retrieval.chunks import Splitting, check_language, check_splitting
from jarvis.core.retrieval.incoming import Incoming
from jarvis.core.retrieval.text_index import DocumentRows
from jarvis.core.retrieval.types import RetrievalSettings
from jarvis.core.retrieval.writer import DocumentWriter, Locks
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.telemetry.metrics import DOCUMENTS
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import IngestEvent, IngestFinished, IngestResult, IngestStart, Outcome, Prune

AHEAD = 8
"""The most documents in progress at once: they are embedded and written together while others are read."""


class Ingest:
    """The use case of ingestion; `Retrieval` says what it raises."""

    def __init__(
        self, catalog: CollectionCatalog, settings: RetrievalSettings, instruments: Instruments, locks: Locks
    ) -> None:
        self._catalog = catalog
        self._instruments = instruments
        self._settings = settings
        self._locks = locks

    async def run(self, events: AsyncIterator[IngestEvent]) -> AsyncGenerator[IngestResult, None]:
        """Ingest documents: yield an `IngestedDocument` for each, in order, once it is stored.

        Those that are pruned follow, and then one `IngestFinished`. If the iterator is closed or fails before
        that, what it yielded is stored, and ingesting the same documents again repairs the rest.

        Raises:
            InvalidArgument: an event is wrong, or out of order.
            CollectionMismatch: the collection was made for another embedding model.
            EngineFailure: the embedding model failed on a text.
        """
        start = await anext(events, None)
        if not isinstance(start, IngestStart):
            raise InvalidArgument.of("start", "must come first")
        collection = await self._catalog.fitting(start.collection)
        writer = DocumentWriter(
            self._catalog,
            collection,
            self._locks,
            self._splitting(start),
            start.language,
            dry_run=start.dry_run,
        )
        incoming = Incoming(events, self._settings.max_document_bytes)
        outcomes: Counter[Outcome] = Counter()
        chunks = embedded = 0
        async with aclosing(in_order(incoming.documents(), writer.write, AHEAD)) as results:
            async for result in results:
                outcomes[result.outcome] += 1
                chunks += result.chunks
                embedded += result.embedded
                self._instruments.count(DOCUMENTS, {"outcome": result.outcome.value})
                yield result
        if incoming.prune:
            for document in await _gone(writer, incoming.prune, incoming.ids):
                outcomes[Outcome.PRUNED] += 1
                self._instruments.count(DOCUMENTS, {"outcome": Outcome.PRUNED.value})
                yield await writer.prune(document)
        documents = {outcome.value: number for outcome, number in outcomes.items()}
        yield IngestFinished(**documents, chunks=chunks, embedded=embedded)

    def _splitting(self, start: IngestStart) -> Splitting:
        info = self._catalog.embedding.info
        tokens, overlap = start.chunk_tokens, start.chunk_overlap
        if tokens is None:
            tokens = min(self._settings.chunk_tokens, info.max_tokens)
        if overlap is None:
            overlap = min(self._settings.chunk_overlap, max(tokens - 1, 0) // 2)
        check_language(start.language)
        check_splitting(tokens, overlap, info.max_tokens)
        return Splitting(tokens, overlap, info.identity)


async def _gone(writer: DocumentWriter, prune: Prune, sent: set[str]) -> list[DocumentRows]:
    """Return the documents to prune: those that were not sent, and whose source has one of the prefixes."""
    collection = writer.collection
    return [
        document
        async for page in collection.library.texts.documents(collection.name)
        for document in page
        if document.document not in sent and document.source.startswith(prune.prefixes)
    ]
