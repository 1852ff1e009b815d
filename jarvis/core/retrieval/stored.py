"""Lists and deletes the documents that are stored."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack

from jarvis.core.retrieval.catalog import CollectionCatalog
from jarvis.core.retrieval.writer import Locks
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.values import StoredDocument

MAX_IDS = 1000


class StoredDocuments:
    """The use cases of documents that were ingested; `Retrieval` says what each of them raises."""

    def __init__(self, catalog: CollectionCatalog, locks: Locks) -> None:
        self._catalog = catalog
        self._locks = locks

    async def list(self, name: str, prefixes: Sequence[str]) -> AsyncGenerator[list[StoredDocument], None]:
        """Yield the documents whose source has one of the prefixes, or all documents, by id, page by page."""
        collection = await self._catalog.get(name)
        await collection.mirror.settled()
        wanted = tuple(prefixes) or ("",)
        async for page in collection.library.texts.documents(name):
            found = [
                StoredDocument(one.document, one.source, len(one.ids))
                for one in page
                if one.source.startswith(wanted)
            ]
            if found:
                yield found

    async def delete(self, name: str, ids: Sequence[str]) -> int:
        """Delete documents with all their chunks, and return how many there were.

        Raises:
            InvalidArgument: there are no ids, or too many.
        """
        if not 1 <= len(ids) <= MAX_IDS:
            raise InvalidArgument.of("ids", f"must be 1 to {MAX_IDS} ids, got {len(ids)}")
        collection = await self._catalog.get(name)
        texts = collection.library.texts
        async with AsyncExitStack() as stack:
            wanted = sorted(set(ids))  # always in the same order, so that two callers cannot deadlock
            for id_ in wanted:
                await stack.enter_async_context(self._locks.of(name, id_))
            async with collection.mirror.writing():
                there = [found for id_ in wanted if (found := await texts.document(name, id_))]
                await collection.mirror.delete([row for document in there for row in document.ids])
        return len(there)
