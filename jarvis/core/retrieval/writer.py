"""Brings one document into a collection."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from weakref import WeakValueDictionary

import numpy as np

from jarvis.core.retrieval.chunks import Splitting, content_hash, rows
from jarvis.core.retrieval.documents import IngestedDocument, Outcome
from jarvis.core.retrieval.incoming import Sent
from jarvis.core.retrieval.paging import pages
from jarvis.core.retrieval.shelf import Collection, Shelf
from jarvis.documents import Chunk, Text, split
from jarvis.textindex import DocumentRows, fold
from jarvis_ports.embedding import Matrix, TextRole
from jarvis_ports.errors import DocumentUnreadable
from jarvis_ports.store import Row

STORED_AT_ONCE = 256
"""Chunks that are embedded and stored in one go; a larger document takes several."""


class Locks:
    """A lock for each document that somebody writes.

    `splitting` is held while one is split: threads that compute keep the interpreter from each other, and
    from all other calls.
    """

    def __init__(self) -> None:
        self.splitting = asyncio.Lock()
        self._locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def of(self, collection: str, document: str) -> asyncio.Lock:
        """Give the lock of a document."""
        return self._locks.setdefault((collection, document), asyncio.Lock())


@dataclass(frozen=True, eq=False)
class DocumentWriter:
    """Reads, splits, embeds and stores documents, in one collection."""

    shelf: Shelf
    collection: Collection
    locks: Locks
    splitting: Splitting
    language: str | None
    dry_run: bool

    async def write(self, sent: Sent) -> IngestedDocument:
        """Make the rows of a document those of its content now; what can be kept is not embedded again.

        Killed or cancelled at any place, it leaves what the next time repairs: until the last step the rows
        there are more or others than `_chunks` and `_hash` say.

        Raises:
            Unavailable, EngineFailure, StoreFailure: the model or the store failed.
        """
        document = sent.document
        async with self.locks.of(self.collection.name, document.id):
            there = await self._there(document.id)
            done = partial(IngestedDocument, document.id, document.source)
            kept = len(there.ids) if there else 0
            if sent.problem:
                return done(Outcome.FAILED, kept, message=sent.problem)
            hash_ = await asyncio.to_thread(content_hash, document, sent.data, self.splitting, self.language)
            if there and there.hash == hash_ and there.chunks == kept:
                return done(Outcome.UNCHANGED, kept)
            reader = self.collection.library.reader
            try:
                text = await reader.read(sent.data, document.source, document.media_type, self.language)
            except DocumentUnreadable as error:
                return done(Outcome.FAILED, kept, message=str(error))
            made = rows(document, hash_, await self._split(text))
            known = set(there.ids) if there else set()
            if self.dry_run:
                embedded = sum(row.id not in known for row in made)
            else:
                embedded = await self._store(made, known)
                if there:
                    await self._delete_stale(document.id, made)
            outcome = Outcome.CHANGED if there else Outcome.ADDED
            return done(outcome, len(made), embedded, notes=text.notes)

    async def _there(self, document_id: str) -> DocumentRows | None:
        return await self.collection.library.texts.document(self.collection.name, document_id)

    async def _split(self, text: Text) -> list[Chunk]:
        embedding = self.shelf.embedding

        def count(part: str) -> int:
            return embedding.count_tokens([fold(part)], TextRole.DOCUMENT)[0]

        chunk_tokens, overlap = self.splitting.chunk_tokens, self.splitting.chunk_overlap
        async with self.locks.splitting:
            return await asyncio.to_thread(split, text, max_tokens=chunk_tokens, overlap=overlap, count=count)

    async def _store(self, made: Sequence[Row], known: set[str]) -> int:
        """Store rows, and say how many were embedded; those known keep their vectors."""
        embedded = 0
        for page in pages(made, STORED_AT_ONCE):
            vectors = await self._kept([row.id for row in page if row.id in known])
            new = [row for row in page if row.id not in vectors]
            if new:
                texts = [row.text for row in new]
                found = await self.shelf.embed(texts, TextRole.DOCUMENT, truncate=True)
                vectors |= {row.id: vector for row, vector in zip(new, found, strict=True)}
                embedded += len(new)
            await self.collection.mirror.upsert(page, np.stack([vectors[row.id] for row in page]))
        return embedded

    async def _kept(self, ids: Sequence[str]) -> dict[str, Matrix]:
        """Read the vectors of chunks that are stored already: equal ids are equal texts."""
        if not ids:
            return {}
        found = await self.collection.library.store.get(self.collection.name, ids, vectors=True)
        if found.vectors is None:
            return {}
        return {row.id: vector for row, vector in zip(found.rows, found.vectors, strict=True)}

    async def _delete_stale(self, document_id: str, made: Sequence[Row]) -> None:
        current = {row.id for row in made}
        async with self.collection.mirror.writing():
            there = await self._there(document_id)
            stale = [id_ for id_ in there.ids if id_ not in current] if there else []
            if stale:
                await self.collection.mirror.delete(stale)

    async def prune(self, document: DocumentRows) -> IngestedDocument:
        """Delete a document."""
        async with self.locks.of(self.collection.name, document.document):
            if not self.dry_run:
                await self._delete_stale(document.document, ())
        return IngestedDocument(document.document, document.source, Outcome.PRUNED)
