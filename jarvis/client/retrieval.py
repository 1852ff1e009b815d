"""The part of the client that is for retrieval."""
# ruff: noqa: ASYNC109 - these are gRPC deadlines, which the server sees too

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence
from contextlib import aclosing
from typing import Unpack

import grpc
from numpy.typing import ArrayLike

from jarvis.client import retrieval_convert as convert
from jarvis.client.calls import Calls
from jarvis.client.errors import JarvisClientError
from jarvis.client.filters import filter_message
from jarvis.client.iterate import each
from jarvis.client.messages import build
from jarvis.client.retrieval_types import (
    Collection,
    Diagnosis,
    Document,
    IndexOptions,
    IngestedDocument,
    IngestFinished,
    SearchMode,
    SearchResult,
    StoredDocument,
)
from jarvis.v1 import retrieval_pb2 as pb
from jarvis.v1 import retrieval_pb2_grpc
from jarvis_ports.filters import Filter
from jarvis_ports.store import Progress, Row

WEEK = 7 * 24 * 3600.0
"""Seconds for work that takes as long as there is much to do, where the caller names none."""


class RetrievalClient:
    """Keeps texts with their vectors, and finds them; `JarvisClient.retrieval` is one.

    Every method raises `JarvisClientError`; limits are those of the contract.
    """

    def __init__(self, channel: grpc.aio.Channel, calls: Calls) -> None:
        self._calls = calls
        self._stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)

    async def create_collection(self, name: str, **index: Unpack[IndexOptions]) -> Collection:
        """Make a collection for the server's embedding model; does nothing where it exists just so."""
        request = build(pb.CreateCollectionRequest, name=name, index=convert.index(index))
        return convert.collection((await self._calls.unary(self._stub.CreateCollection, request)).collection)

    async def get_collection(self, name: str) -> Collection:
        """Ask for one collection."""
        request = build(pb.GetCollectionRequest, name=name)
        return convert.collection((await self._calls.unary(self._stub.GetCollection, request)).collection)

    async def collections(self) -> list[Collection]:
        """List the collections, by name."""
        response = await self._calls.unary(self._stub.ListCollections, pb.ListCollectionsRequest())
        return [convert.collection(collection) for collection in response.collections]

    async def delete_collection(self, name: str) -> int:
        """Delete a collection with all that is in it, and tell how many rows it had."""
        request = build(pb.DeleteCollectionRequest, name=name)
        return int((await self._calls.unary(self._stub.DeleteCollection, request)).rows)

    async def check(self, name: str, *, timeout: float = WEEK) -> AsyncGenerator[Progress | Diagnosis, None]:
        """Look for rows that no search finds, and counts that disagree: `Progress`, then one `Diagnosis`."""
        request = build(pb.CheckCollectionRequest, name=name)
        async with aclosing(
            self._calls.stream(self._stub.CheckCollection, request, timeout=timeout)
        ) as messages:
            async for message in messages:
                if message.HasField("progress"):
                    yield convert.progress(message.progress)
                elif message.HasField("diagnosis"):
                    yield convert.diagnosis(message.diagnosis)

    async def rebuild(
        self, name: str, *, timeout: float = WEEK, **index: Unpack[IndexOptions]
    ) -> AsyncGenerator[Progress, None]:
        """Build a collection anew from its texts, for the server's embedding model.

        It is done when this ends without an error; left in the middle, the collection stays as it was. Index
        settings that are left out stay as they are.
        """
        request = build(pb.RebuildCollectionRequest, name=name, index=convert.index(index))
        async with aclosing(
            self._calls.stream(self._stub.RebuildCollection, request, timeout=timeout)
        ) as messages:
            async for message in messages:
                yield convert.progress(message.progress)

    async def upsert(
        self,
        name: str,
        rows: Sequence[Row],
        *,
        vectors: Sequence[ArrayLike | None] | None = None,
        truncate: bool = False,
    ) -> int:
        """Insert rows, or replace those of the same id, and tell how many; they are stored then.

        Args:
            name: the collection's name.
            rows: 1 to 2,048.
            vectors: one for each row; where it is None, the text is embedded.
            truncate: cut off texts that are too long before they are embedded, instead of refusing them.
        """
        request = convert.upsert_request(name, rows, vectors, truncate=truncate)
        return int((await self._calls.unary(self._stub.Upsert, request)).upserted)

    async def delete(
        self,
        name: str,
        *,
        ids: Sequence[str] = (),
        filter: Filter | None = None,  # noqa: A002 - the contract's name
        dry_run: bool = False,
    ) -> int:
        """Delete rows by id, by filter, or those of these ids that pass; tell how many there were."""
        passing = filter_message(filter) if filter else None
        request = build(pb.DeleteRequest, collection=name, ids=ids, filter=passing, dry_run=dry_run)
        return int((await self._calls.unary(self._stub.Delete, request)).deleted)

    async def search(  # noqa: PLR0913 - one for each field
        self,
        name: str,
        query: str | ArrayLike,
        *,
        mode: SearchMode | str | None = None,
        top_k: int | None = None,
        filter: Filter | None = None,  # noqa: A002 - the contract's name
        min_similarity: float | None = None,
        truncate: bool = False,
    ) -> SearchResult:
        """Find the rows that suit a text, or that are nearest to a vector of shape (dimension,).

        Args:
            name: the collection's name.
            query: the text or the vector.
            mode: None is hybrid for a text, dense for a vector.
            top_k: the most hits; 10 when left out.
            filter: only rows that pass.
            min_similarity: only rows whose vector is at least this similar.
            truncate: cut off a query that is too long, instead of refusing it.
        """
        request = convert.search_request(
            name,
            query,
            mode=mode,
            passing=filter,
            top_k=top_k,
            min_similarity=min_similarity,
            truncate=truncate,
        )
        return convert.search_result(await self._calls.unary(self._stub.Search, request))

    async def ingest(  # noqa: PLR0913 - one for each field
        self,
        name: str,
        documents: Iterable[Document] | AsyncIterable[Document],
        *,
        prune: Sequence[str] = (),
        chunk_tokens: int | None = None,
        chunk_overlap: int | None = None,
        language: str | None = None,
        dry_run: bool = False,
        timeout: float = WEEK,
    ) -> AsyncGenerator[IngestedDocument | IngestFinished, None]:
        """Have documents read, split, embedded and stored: one result each, in order, then `IngestFinished`.

        What a result came for is stored, also where the stream fails later; the same documents again cost
        next to nothing then. The documents are read as the server takes them.

        Args:
            name: the collection's name.
            documents: an ordinary iterable is read in a thread.
            prune: delete the documents that are not sent and whose source begins with one of these.
            chunk_tokens: the most tokens of a chunk; what the server is configured with when left out.
            chunk_overlap: tokens that a chunk shares with the one before; likewise.
            language: of the documents, as a BCP 47 tag ("es"); tells their encoding where nothing else does.
            dry_run: only tell what would be done.
            timeout: seconds for the whole stream.
        """
        start = build(
            pb.IngestStart,
            "start.",
            collection=name,
            chunk_tokens=chunk_tokens,
            chunk_overlap=chunk_overlap,
            language=language,
            dry_run=dry_run,
        )
        requests = _requests(start, documents, prune)
        finished = False
        async with aclosing(self._calls.duplex(self._stub.Ingest, requests, timeout=timeout)) as messages:
            async for message in messages:
                if message.HasField("document"):
                    yield convert.ingested(message.document)
                elif message.HasField("finished"):
                    finished = True
                    yield convert.finished(message.finished)
        if not finished:
            msg = "the stream ended before all documents were done"
            raise JarvisClientError(grpc.StatusCode.INTERNAL, msg, reason="INCOMPLETE_STREAM")

    async def documents(
        self, name: str, prefixes: Sequence[str] = (), *, timeout: float = WEEK
    ) -> AsyncGenerator[StoredDocument, None]:
        """List the documents whose source begins with one of some texts, by id; all when there are none."""
        request = build(pb.ListDocumentsRequest, collection=name, prefixes=prefixes)
        async with aclosing(
            self._calls.stream(self._stub.ListDocuments, request, timeout=timeout)
        ) as messages:
            async for message in messages:
                for one in message.documents:
                    yield StoredDocument(one.id, one.source, one.chunks)

    async def delete_documents(self, name: str, ids: Sequence[str]) -> int:
        """Delete 1 to 1,000 documents with all their chunks, and tell how many there were."""
        request = build(pb.DeleteDocumentsRequest, collection=name, ids=ids)
        return int((await self._calls.unary(self._stub.DeleteDocuments, request)).deleted)


async def _requests(
    start: pb.IngestStart, documents: Iterable[Document] | AsyncIterable[Document], prune: Sequence[str]
) -> AsyncGenerator[pb.IngestRequest, None]:
    yield pb.IngestRequest(start=start)
    async for document in each(documents):
        for message in convert.document_messages(document):
            yield message
    if prune:
        yield pb.IngestRequest(prune=build(pb.IngestPrune, "prune.", prefixes=prune))
