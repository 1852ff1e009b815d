"""The servicer of RetrievalService."""

from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, contextmanager
from functools import partial
from typing import Any

import grpc

from jarvis.core.requests import Requests
from jarvis.core.retrieval import Retrieval
from jarvis.core.retrieval.documents import IngestFinished
from jarvis.core.retrieval.types import CollectionInfo
from jarvis.core.retrieval.validation import check_collection, check_index, check_query, check_rows
from jarvis.core.violations import Violations
from jarvis.server import retrieval_convert as convert
from jarvis.server.context import current
from jarvis.server.facts import of_found, of_ingested
from jarvis.server.filter_convert import filter_
from jarvis.v1 import retrieval_pb2 as pb
from jarvis.v1 import retrieval_pb2_grpc
from jarvis_ports.store import IndexSettings

Context = grpc.aio.ServicerContext[Any, Any]


class RetrievalServicer(retrieval_pb2_grpc.RetrievalServiceServicer):
    """Speaks the contract for the use cases of retrieval."""

    def __init__(self, retrieval: Retrieval, requests: Requests, max_message_bytes: int) -> None:
        self._retrieval = retrieval
        self._requests = requests
        self._max_message_bytes = max_message_bytes

    async def CreateCollection(
        self, request: pb.CreateCollectionRequest, context: Context
    ) -> pb.CreateCollectionResponse:
        """Make a collection."""
        violations = Violations()
        index = convert.index_changes(request.index, violations).applied(IndexSettings())
        violations.refuse(partial(check_collection, request.name, index))
        with self._tracked():
            info = await self._retrieval.create(request.name, index)
        return pb.CreateCollectionResponse(collection=self._collection(info))

    async def GetCollection(
        self, request: pb.GetCollectionRequest, context: Context
    ) -> pb.GetCollectionResponse:
        """Tell of one collection."""
        with self._tracked():
            info = await self._retrieval.collection(request.name)
        return pb.GetCollectionResponse(collection=self._collection(info))

    async def ListCollections(
        self, request: pb.ListCollectionsRequest, context: Context
    ) -> pb.ListCollectionsResponse:
        """Tell of all collections."""
        with self._tracked():
            infos = await self._retrieval.collections()
        return pb.ListCollectionsResponse(collections=[self._collection(info) for info in infos])

    async def DeleteCollection(
        self, request: pb.DeleteCollectionRequest, context: Context
    ) -> pb.DeleteCollectionResponse:
        """Delete a collection."""
        with self._tracked():
            rows = await self._retrieval.drop(request.name)
        return pb.DeleteCollectionResponse(rows=rows)

    async def CheckCollection(  # type: ignore[override] # the stubs know generators alone
        self, request: pb.CheckCollectionRequest, context: Context
    ) -> None:
        """Write progress, then the diagnosis."""
        with self._tracked():
            async with aclosing(self._retrieval.check(request.name)) as events:
                async for event in events:
                    await context.write(convert.checked(event))

    async def RebuildCollection(  # type: ignore[override]
        self, request: pb.RebuildCollectionRequest, context: Context
    ) -> None:
        """Write progress."""
        violations = Violations()
        changes = convert.index_changes(request.index, violations)
        violations.refuse(partial(check_index, changes.applied(IndexSettings())))
        with self._tracked():
            async with aclosing(self._retrieval.rebuild(request.name, changes)) as events:
                async for event in events:
                    await context.write(pb.RebuildCollectionResponse(progress=convert.progress(event)))

    async def Upsert(self, request: pb.UpsertRequest, context: Context) -> pb.UpsertResponse:
        """Store rows."""
        violations = Violations()
        rows, vectors = convert.rows(request, violations)
        violations.refuse(partial(check_rows, rows))
        with self._tracked():
            upserted = await self._retrieval.upsert(
                request.collection, rows, vectors, truncate=request.truncate
            )
        return pb.UpsertResponse(upserted=upserted)

    async def Delete(self, request: pb.DeleteRequest, context: Context) -> pb.DeleteResponse:
        """Delete rows."""
        violations = Violations()
        passing = filter_(request.filter, violations) if request.HasField("filter") else None
        violations.refuse()
        with self._tracked():
            deleted = await self._retrieval.delete(
                request.collection, request.ids, passing, dry_run=request.dry_run
            )
        return pb.DeleteResponse(deleted=deleted)

    async def Search(self, request: pb.SearchRequest, context: Context) -> pb.SearchResponse:
        """Find rows."""
        violations = Violations()
        query = convert.query(request, violations)
        violations.refuse(partial(check_query, query))
        with self._tracked():
            found = await self._retrieval.search(query)
        current.get().facts.update(of_found(request.collection, found))
        return convert.found(found, self._max_message_bytes)

    async def Ingest(  # type: ignore[override]
        self, request_iterator: AsyncIterator[pb.IngestRequest], context: Context
    ) -> None:
        """Write what became of each document; a caller that reads slowly holds up its own stream alone."""
        events = (convert.ingest_event(message) async for message in request_iterator)
        with self._tracked():
            async with aclosing(self._retrieval.ingest(events)) as results:
                async for result in results:
                    if isinstance(result, IngestFinished):
                        current.get().facts.update(of_ingested(result))
                    await context.write(convert.ingest_result(result))

    async def ListDocuments(  # type: ignore[override]
        self, request: pb.ListDocumentsRequest, context: Context
    ) -> None:
        """Write documents, page by page."""
        with self._tracked():
            async with aclosing(self._retrieval.documents(request.collection, request.prefixes)) as pages:
                async for page in pages:
                    await context.write(convert.stored(page))

    async def DeleteDocuments(
        self, request: pb.DeleteDocumentsRequest, context: Context
    ) -> pb.DeleteDocumentsResponse:
        """Delete documents."""
        with self._tracked():
            deleted = await self._retrieval.delete_documents(request.collection, request.ids)
        return pb.DeleteDocumentsResponse(deleted=deleted)

    def _collection(self, info: CollectionInfo) -> pb.Collection:
        return convert.collection(info, self._retrieval.max_document_bytes)

    @contextmanager
    def _tracked(self) -> Iterator[None]:
        with self._requests.track(current.get().request_id):
            yield
