"""The retrieval part of the client."""
# ruff: noqa: ASYNC109 - these are gRPC deadlines, which the server sees too

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Unpack, cast

import grpc

from jarvis.client.calls import Calls
from jarvis.client.errors import JarvisClientError, invalid
from jarvis.client.iterate import each
from jarvis.client.options import IndexOptions, said
from jarvis.client.requests import choice, index_changes, written
from jarvis.v1 import retrieval_pb2_grpc
from jarvis.wire import collections, search
from jarvis.wire import documents as wire
from jarvis.wire.messages import retrieval_pb2 as pb
from jarvis_ports.values import (
    Collection,
    CollectionRequest,
    Deletion,
    Diagnosis,
    Document,
    DocumentsDeletion,
    DocumentsQuery,
    Filter,
    IngestEvent,
    IngestFinished,
    IngestResult,
    IngestStart,
    Progress,
    Prune,
    Row,
    SearchMode,
    SearchQuery,
    SearchResult,
    StoredDocument,
    Upsert,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

WEEK = 7 * 24 * 3600.0
"""The default timeout, in seconds, of work that takes longer the more there is to do."""


class RetrievalClient:
    """Keeps texts with their vectors, and finds them; `JarvisClient.retrieval` is one.

    Every method raises `JarvisClientError`; limits are those of the contract.
    """

    def __init__(self, channel: grpc.aio.Channel, calls: Calls) -> None:
        self._calls = calls
        self._stub = retrieval_pb2_grpc.RetrievalServiceStub(channel)

    async def create_collection(self, name: str, **index: Unpack[IndexOptions]) -> Collection:
        """Make a collection for the server's embedding model; do nothing if an identical one exists."""
        request = written(collections.CREATE.message, CollectionRequest(name, index_changes(index)))
        return collections.CREATED.read(await self._calls.unary(self._stub.CreateCollection, request))

    async def get_collection(self, name: str) -> Collection:
        """Return one collection."""
        request = written(collections.GET.message, name)
        return collections.FOUND.read(await self._calls.unary(self._stub.GetCollection, request))

    async def collections(self) -> list[Collection]:
        """List the collections, by name."""
        response = await self._calls.unary(self._stub.ListCollections, collections.LIST)
        return list(collections.LISTED.read(response))

    async def delete_collection(self, name: str) -> int:
        """Delete a collection with all that is in it, and return how many rows it had."""
        request = written(collections.DROP.message, name)
        return collections.DROPPED.read(await self._calls.unary(self._stub.DeleteCollection, request))

    async def check(self, name: str, *, timeout: float = WEEK) -> AsyncGenerator[Progress | Diagnosis, None]:
        """Look for rows no search finds, and counts that disagree; yield `Progress`, then one `Diagnosis`."""
        request = written(collections.CHECK.message, name)
        async with aclosing(
            self._calls.stream(self._stub.CheckCollection, request, timeout=timeout)
        ) as messages:
            async for message in messages:
                if event := collections.CHECKED.read(message):
                    yield event

    async def rebuild(
        self, name: str, *, timeout: float = WEEK, **index: Unpack[IndexOptions]
    ) -> AsyncGenerator[Progress, None]:
        """Build a collection anew from its texts, for the server's embedding model.

        It is done when the generator ends without an error; if it is left earlier, the collection stays as it
        was. Index settings that are left out stay as they are.
        """
        request = written(collections.REBUILD.message, CollectionRequest(name, index_changes(index)))
        async with aclosing(
            self._calls.stream(self._stub.RebuildCollection, request, timeout=timeout)
        ) as messages:
            async for message in messages:
                yield collections.REBUILT.read(message)

    async def upsert(
        self,
        name: str,
        rows: Sequence[Row],
        *,
        vectors: "Sequence[ArrayLike | None] | None" = None,
        truncate: bool = False,
    ) -> int:
        """Insert rows, or replace those with the same id, and return how many, once they are stored.

        Args:
            name: the collection's name.
            rows: 1 to 2,048.
            vectors: one for each row; if it is None, the text is embedded.
            truncate: cut off texts that are too long before they are embedded, instead of refusing them.
        """
        if vectors is None:
            vectors = [None] * len(rows)
        if len(vectors) != len(rows):
            raise invalid("vectors", f"there are {len(vectors)} for {len(rows)} rows")
        # The vectors can be written whatever their type is.
        wanted = Upsert(name, rows, cast("Any", vectors), truncate=truncate)
        request = written(collections.upsert_request, wanted)
        return collections.UPSERTED.read(await self._calls.unary(self._stub.Upsert, request))

    async def delete(
        self,
        name: str,
        *,
        ids: Sequence[str] = (),
        filter: Filter | None = None,  # noqa: A002 - the contract's name
        dry_run: bool = False,
    ) -> int:
        """Delete rows by id, by filter, or only those that match both; return how many there were."""
        request = written(collections.DELETION.message, Deletion(name, tuple(ids), filter, dry_run))
        return collections.DELETED.read(await self._calls.unary(self._stub.Delete, request))

    async def search(  # noqa: PLR0913 - one for each field
        self,
        name: str,
        query: "str | ArrayLike",
        *,
        mode: SearchMode | str | None = None,
        top_k: int | None = None,
        filter: Filter | None = None,  # noqa: A002 - the contract's name
        min_similarity: float | None = None,
        truncate: bool = False,
        rerank: bool | None = None,
    ) -> SearchResult:
        """Find the rows that suit a text, or that are nearest to a vector of shape (dimension,).

        Args:
            name: the collection's name.
            query: the text or the vector.
            mode: None means hybrid for a text, and dense for a vector.
            top_k: the most hits; 10 when left out.
            filter: only rows that pass.
            min_similarity: only rows whose vector is at least this similar.
            truncate: cut off a query that is too long, instead of refusing it.
            rerank: whether a reranker orders the first hits; when left out, where the server has one.
        """
        wanted = SearchQuery(
            collection=name,
            text=query if isinstance(query, str) else None,
            vector=None if isinstance(query, str) else cast("Any", query),
            mode=None if mode is None else choice(SearchMode, mode, "mode"),
            filter=filter,
            min_similarity=min_similarity,
            truncate=truncate,
            rerank=rerank,
            **said({"top_k": top_k}),
        )
        request = written(search.QUERY.message, wanted)
        return search.RESULT.read(await self._calls.unary(self._stub.Search, request))

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
    ) -> AsyncGenerator[IngestResult, None]:
        """Read, split, embed and store documents; yield one result each, in order, then `IngestFinished`.

        A document that a result came for is stored, even if the stream fails later; to send it again then
        costs next to nothing. The documents are read as the server takes them.

        Args:
            name: the collection's name.
            documents: an ordinary iterable is read in a thread.
            prune: delete the documents that are not sent and whose source begins with one of these.
            chunk_tokens: the most tokens of a chunk; the server's configured number when left out.
            chunk_overlap: tokens that a chunk shares with the one before; likewise.
            language: the documents' BCP 47 tag, such as "es"; decides their encoding if nothing else does.
            dry_run: only report what would be done.
            timeout: seconds for the whole stream.
        """
        start = IngestStart(name, chunk_tokens, chunk_overlap, language, dry_run)
        requests = _requests(written(_messages, start), documents, prune)
        finished = False
        async with aclosing(self._calls.duplex(self._stub.Ingest, requests, timeout=timeout)) as messages:
            async for message in messages:
                if result := wire.RESULTS.read(message):
                    finished |= isinstance(result, IngestFinished)
                    yield result
        if not finished:
            msg = "the stream ended before all documents were done"
            raise JarvisClientError(grpc.StatusCode.INTERNAL, msg, reason="INCOMPLETE_STREAM")

    async def documents(
        self, name: str, prefixes: Sequence[str] = (), *, timeout: float = WEEK
    ) -> AsyncGenerator[StoredDocument, None]:
        """Yield the documents whose source begins with one of the prefixes, by id; all if there are none."""
        request = written(wire.QUERY.message, DocumentsQuery(name, tuple(prefixes)))
        async with aclosing(
            self._calls.stream(self._stub.ListDocuments, request, timeout=timeout)
        ) as messages:
            async for message in messages:
                for one in wire.STORED.read(message):
                    yield one

    async def delete_documents(self, name: str, ids: Sequence[str]) -> int:
        """Delete 1 to 1,000 documents with all their chunks, and return how many there were."""
        request = written(wire.DELETION.message, DocumentsDeletion(name, tuple(ids)))
        return wire.DELETED.read(await self._calls.unary(self._stub.DeleteDocuments, request))


def _messages(event: IngestEvent) -> list[pb.IngestRequest]:
    return list(wire.ingest_requests(event))


async def _requests(
    first: Iterable[pb.IngestRequest],
    documents: Iterable[Document] | AsyncIterable[Document],
    prune: Sequence[str],
) -> AsyncGenerator[pb.IngestRequest, None]:
    for message in first:
        yield message
    async for document in each(documents):
        for message in wire.ingest_requests(document):
            yield message
    if prune:
        for message in written(_messages, Prune(tuple(prune))):
            yield message
