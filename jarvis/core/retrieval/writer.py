"""Writes a document into a collection."""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from weakref import WeakValueDictionary

import numpy as np

from jarvis.core.retrieval.catalog import Collection, CollectionCatalog
from jarvis.core.retrieval.chunks import Splitting, chunk_ids, content_hash, rows, same_content
from jarvis.core.retrieval.incoming import Sent
from jarvis.core.retrieval.paging import pages
from jarvis.core.retrieval.text_index import DocumentRows
from jarvis.core.text import Chunk, Text, fold
from jarvis_ports.embedding import Matrix, TextRole
from jarvis_ports.errors import DocumentUnreadable, JarvisError
from jarvis_ports.values import IngestedDocument, Outcome, Row

logger = logging.getLogger(__name__)

STORED_AT_ONCE = 256
"""The most chunks that are embedded and stored in one go; a larger document takes several."""
MAX_TWINS = 100
"""The most other documents with the same content that are looked for."""


class Locks:
    """A lock for each document that is being written.

    `splitting` is held while a document is split: threads that compute keep the interpreter from each other,
    and from all other calls.
    """

    def __init__(self) -> None:
        self.splitting = asyncio.Lock()
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def of(self, collection: str, document: str) -> asyncio.Lock:
        """Return the lock of a document."""
        return self._locks.setdefault((collection, document), asyncio.Lock())


@dataclass(frozen=True, eq=False)
class DocumentWriter:
    """Reads, splits, embeds and stores documents, in one collection."""

    catalog: CollectionCatalog
    collection: Collection
    locks: Locks
    splitting: Splitting
    language: str | None
    dry_run: bool

    async def write(self, sent: Sent) -> IngestedDocument:
        """Make the rows of a document match its content; what can be kept is not embedded again.

        If this is killed or cancelled at any point, the next write repairs what it left: until the last step,
        the stored rows do not match what `_chunks` and `_hash` say.

        Raises:
            Unavailable, EngineFailure, StoreFailure: the model or the store failed.
        """
        document = sent.document
        async with self.locks.of(self.collection.name, document.document_id):
            there = await self._there(document.document_id)
            done = partial(IngestedDocument, document.document_id, document.source)
            kept = len(there.ids) if there else 0
            if sent.problem:
                return done(Outcome.FAILED, kept, message=sent.problem)
            hash_ = await asyncio.to_thread(content_hash, document, sent.data, self.splitting, self.language)
            if there and there.hash == hash_ and there.chunks == kept:
                return done(Outcome.UNCHANGED, kept)
            try:
                chunks, notes = await self._chunks(sent)
            except DocumentUnreadable as error:
                return done(Outcome.FAILED, kept, message=str(error))
            twins = await self._twins(document.document_id, hash_) if chunks else []
            made = rows(document, hash_, chunks)
            stored = _stored(made, chunks, there, twins)
            if self.dry_run:
                embedded = sum(row.id not in stored for row in made)
            else:
                embedded = await self._store(made, stored)
                if there:
                    await self._delete_stale(document.document_id, made)
            if not chunks:
                return done(Outcome.EMPTY, notes=notes)
            same_as = tuple(twin.document for twin in twins)
            outcome = Outcome.CHANGED if there else Outcome.ADDED
            return done(outcome, len(made), embedded, notes=notes, same_as=same_as)

    async def _there(self, document_id: str) -> DocumentRows | None:
        return await self.collection.library.texts.document(self.collection.name, document_id)

    async def _twins(self, document_id: str, hash_: str) -> list[DocumentRows]:
        """Return other documents with the same content."""
        texts = self.collection.library.texts
        found = await texts.hashed(self.collection.name, same_content(hash_), MAX_TWINS + 1)
        others = (document for document in found if document.document != document_id)
        return [document for document in others if document.hash.startswith(same_content(hash_))][:MAX_TWINS]

    async def _chunks(self, sent: Sent) -> tuple[list[Chunk], tuple[str, ...]]:
        """Return the chunks of a document, and its reader's notes; a document without text has no chunks.

        Raises:
            DocumentUnreadable: it cannot be read, even if that is due to a defect of the reader.
        """
        source = sent.document.source
        if not sent.data.strip():
            return [], ()
        try:
            reader = self.collection.library.reader
            text = await reader.read(sent.data, source, sent.document.media_type, self.language)
            return (await self._split(text) if text.text.strip() else []), text.notes
        except JarvisError:
            raise
        except Exception as error:
            # The error's message is not logged, as it may contain a part of the document.
            logger.error("a document cannot be read: %s", type(error).__name__)  # noqa: TRY400
            msg = f"{source} cannot be read: {type(error).__name__}: {error}"
            raise DocumentUnreadable(msg) from error

    async def _split(self, text: Text) -> list[Chunk]:
        embedding = self.catalog.embedding

        def count(part: str) -> int:
            return embedding.count_tokens([fold(part)], TextRole.DOCUMENT)[0]

        chunk_tokens, overlap = self.splitting.chunk_tokens, self.splitting.chunk_overlap
        reader = self.collection.library.reader
        async with self.locks.splitting:
            return await asyncio.to_thread(
                reader.split, text, max_tokens=chunk_tokens, overlap=overlap, count=count
            )

    async def _store(self, made: Sequence[Row], stored: Mapping[str, str]) -> int:
        """Store rows, and return how many were embedded.

        Args:
            made: the rows.
            stored: the ids of rows that are stored already, by the ids of the rows that have the same text.
        """
        embedded = 0
        for page in pages(made, STORED_AT_ONCE):
            vectors = await self._kept({row.id: stored[row.id] for row in page if row.id in stored})
            new = [row for row in page if row.id not in vectors]
            if new:
                texts = [row.text for row in new]
                found = await self.catalog.embed(texts, TextRole.DOCUMENT, truncate=True)
                vectors |= {row.id: vector for row, vector in zip(new, found, strict=True)}
                embedded += len(new)
            await self.collection.mirror.upsert(page, np.stack([vectors[row.id] for row in page]))
        return embedded

    async def _kept(self, stored: Mapping[str, str]) -> dict[str, Matrix]:
        """Return the vectors of rows that are stored already, by the ids of the rows with the same text."""
        if not stored:
            return {}
        ids = list(stored.values())
        found = await self.collection.library.store.get(self.collection.name, ids, vectors=True)
        if found.vectors is None:
            return {}
        vectors = {row.id: vector for row, vector in zip(found.rows, found.vectors, strict=True)}
        return {id_: vectors[same] for id_, same in stored.items() if same in vectors}

    async def _delete_stale(self, document_id: str, made: Sequence[Row]) -> None:
        current = {row.id for row in made}
        async with self.collection.mirror.writing():
            there = await self._there(document_id)
            stale = [id_ for id_ in there.ids if id_ not in current] if there else []
            if stale:
                await self.collection.mirror.delete(stale)

    async def prune(self, document: DocumentRows) -> IngestedDocument:
        """Delete a document, unless this is a dry run."""
        async with self.locks.of(self.collection.name, document.document):
            if not self.dry_run:
                await self._delete_stale(document.document, ())
        return IngestedDocument(document.document, document.source, Outcome.PRUNED)


def _stored(
    made: Sequence[Row], chunks: Sequence[Chunk], there: DocumentRows | None, twins: Sequence[DocumentRows]
) -> dict[str, str]:
    """Return the id of a stored row with the same text, by the id of each row: its own, else a twin's."""
    own = set(there.ids) if there else ()
    found = {row.id: row.id for row in made if row.id in own}
    for twin in twins[:1]:
        theirs = set(twin.ids)
        for row, same in zip(made, chunk_ids(twin.document, chunks), strict=True):
            if same in theirs:
                found.setdefault(row.id, same)
    return found
