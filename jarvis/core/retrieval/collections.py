"""Makes, lists, drops, checks and rebuilds collections."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np

from jarvis.core.retrieval.catalog import CollectionCatalog
from jarvis.core.retrieval.paging import pages, to_end
from jarvis.core.retrieval.validation import check_collection, check_index
from jarvis_ports.embedding import Matrix, TextRole
from jarvis_ports.errors import Unavailable
from jarvis_ports.store import CollectionSpec, StoreCheck
from jarvis_ports.values import Collection, Diagnosis, IndexChanges, IndexSettings, Progress, Row

UNREACHABLE_TOLD = 100
EMBEDDED_AT_ONCE = 256
"""The most texts of a rebuild that go to the embedding model in one request."""


class Collections:
    """The use cases around whole collections; `Retrieval` says what each of them raises."""

    def __init__(self, catalog: CollectionCatalog, max_document_bytes: int) -> None:
        self._catalog = catalog
        self._max_document_bytes = max_document_bytes

    async def create(self, name: str, index: IndexSettings) -> Collection:
        """Make a collection for the configured embedding model, unless it exists with the same settings.

        Raises:
            InvalidArgument: the name or a setting is out of range.
            CollectionMismatch: it exists and differs; if only `ef_search` does, that is changed instead.
        """
        check_collection(name, index)
        library = await self._catalog.library()
        embedding = self._catalog.embedding
        info = embedding.info
        spec = CollectionSpec(name, info.dimension, embedding.name, info.identity, index)
        for there in await library.store.collections():
            if there.name == name and there.identity == spec.identity:
                spec = replace(spec, embedder=there.embedder)  # the same model under another name
        await library.store.create(spec)
        self._catalog.forget(name)
        return await self.get(name)

    async def get(self, name: str) -> Collection:
        """Return what is known of one collection."""
        collection = await self._catalog.get(name)
        return await self._info(collection.spec)

    async def list(self) -> list[Collection]:
        """Return what is known of all collections, by name."""
        library = await self._catalog.library()
        return [await self._info(spec) for spec in await library.store.collections()]

    async def _info(self, spec: CollectionSpec) -> Collection:
        library = await self._catalog.library()
        try:
            mismatch = "; ".join(self._catalog.differences(spec, self._catalog.embedding.info))
        except Unavailable as error:
            mismatch = str(error)
        return Collection(
            name=spec.name,
            dimension=spec.dimension,
            embedder=spec.embedder,
            index=spec.index,
            rows=await library.store.count(spec.name),
            mismatch=mismatch,
            max_document_bytes=self._max_document_bytes,
        )

    async def drop(self, name: str) -> int:
        """Delete a collection with everything in it, and return how many rows it had."""
        collection = await self._catalog.get(name)
        library, mirror = collection.library, collection.mirror

        async def drop() -> int:
            rows = await library.store.count(name)
            mirror.forget()
            await library.store.drop(name)
            await library.texts.drop(name)
            return rows

        async with mirror.lock:
            try:
                return await to_end(drop())
            finally:
                self._catalog.forget(name)

    async def check(self, name: str) -> AsyncGenerator[Progress | Diagnosis, None]:
        """Yield `Progress`, then a `Diagnosis` of rows that no search finds, and of counts that disagree."""
        collection = await self._catalog.get(name)
        library, mirror = collection.library, collection.mirror
        await mirror.settled()
        async with aclosing(library.store.check(name)) as events:
            async for event in events:
                if isinstance(event, Progress):
                    yield event
                    continue
                # Both are counted between two writes, so that rows written meanwhile are no disagreement.
                async with mirror.lock:
                    missing = await library.store.count(name) - await library.texts.count(name)
                yield diagnosis(replace(event, counts={**event.counts, "sparse": event.rows - missing}))

    async def rebuild(self, name: str, changes: IndexChanges) -> AsyncGenerator[Progress, None]:
        """Rebuild a collection from its stored rows, for the configured embedding model; writes wait.

        The text index is rebuilt too. If the iterator is closed early, the collection stays as it was.

        Raises:
            InvalidArgument: a setting is out of range.
        """
        collection = await self._catalog.get(name)
        library, mirror = collection.library, collection.mirror
        index = changes.applied(collection.spec.index)
        check_index(index)
        spec = replace(collection.spec, index=index)
        embedding = self._catalog.embedding
        info = embedding.info
        embed = None
        if self._catalog.differences(spec, info):
            spec = CollectionSpec(name, info.dimension, embedding.name, info.identity, index)
            embed = self._embed
        await mirror.settled()
        async with mirror.lock:
            try:
                async with aclosing(library.store.rebuild(spec, embed)) as progress:
                    async for event in progress:
                        yield event
            finally:
                self._catalog.forget(name)
            await mirror.resync()

    async def _embed(self, rows: Sequence[Row]) -> Matrix:
        texts = [row.text for row in rows]
        return np.concatenate(
            [
                await self._catalog.embed(page, TextRole.DOCUMENT, truncate=True, field="rows[{}].text")
                for page in pages(texts, EMBEDDED_AT_ONCE)
            ]
        )


def diagnosis(check: StoreCheck) -> Diagnosis:
    """Return what callers learn from a check; it names only the first hundred rows that no search finds."""
    told = check.unreachable[:UNREACHABLE_TOLD]
    return Diagnosis(check.ok, check.checked, len(check.unreachable), told, check.counts)
