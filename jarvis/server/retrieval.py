"""The servicer of RetrievalService."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing
from functools import partial
from itertools import accumulate
from typing import Any

import grpc

from jarvis.core.admission import Intake, Intakes
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.principal import Role
from jarvis.core.retrieval import Retrieval
from jarvis.core.retrieval.validation import check_collection, check_index, check_query, check_rows
from jarvis.core.violations import Violations
from jarvis.server.context import arrival, current, let_in
from jarvis.server.facts import of_found, of_ingested
from jarvis.server.incoming import ingest_event
from jarvis.server.roles import needs
from jarvis.v1 import retrieval_pb2_grpc
from jarvis.wire import collections as wire
from jarvis.wire import documents, search
from jarvis.wire.messages import retrieval_pb2 as pb
from jarvis_ports.errors import MessageTooLarge
from jarvis_ports.values import IndexSettings, IngestFinished, SearchResult

Context = grpc.aio.ServicerContext[Any, Any]

HIT_BYTES = 6
"""The most bytes that a hit takes besides its own: a tag and a length."""
MODE_BYTES = 2


class RetrievalServicer(retrieval_pb2_grpc.RetrievalServiceServicer):
    """Translates between the contract and the use cases of retrieval."""

    def __init__(
        self, retrieval: Retrieval, intakes: Intakes, requests: Requests, max_message_bytes: int
    ) -> None:
        self._retrieval = retrieval
        self._intakes = intakes
        self._requests = requests
        self._max_message_bytes = max_message_bytes

    @needs(Role.WRITE)
    async def CreateCollection(
        self, request: pb.CreateCollectionRequest, context: Context
    ) -> pb.CreateCollectionResponse:
        """Make a collection."""
        violations = Violations()
        wanted = wire.CREATE.read(request, blame=violations.blame)
        index = wanted.index.applied(IndexSettings())
        violations.refuse(partial(check_collection, wanted.name, index))
        async with self._let_in(self._intakes.changes):
            return wire.CREATED.message(await self._retrieval.collections.create(wanted.name, index))

    @needs(Role.INFER)
    async def GetCollection(
        self, request: pb.GetCollectionRequest, context: Context
    ) -> pb.GetCollectionResponse:
        """Describe one collection."""
        async with self._let_in(self._intakes.others):
            return wire.FOUND.message(await self._retrieval.collections.get(request.name))

    @needs(Role.INFER)
    async def ListCollections(
        self, request: pb.ListCollectionsRequest, context: Context
    ) -> pb.ListCollectionsResponse:
        """Describe all collections."""
        async with self._let_in(self._intakes.others):
            return wire.LISTED.message(tuple(await self._retrieval.collections.list()))

    @needs(Role.WRITE)
    async def DeleteCollection(
        self, request: pb.DeleteCollectionRequest, context: Context
    ) -> pb.DeleteCollectionResponse:
        """Delete a collection."""
        async with self._let_in(self._intakes.changes):
            return wire.DROPPED.message(await self._retrieval.collections.drop(request.name))

    @needs(Role.WRITE)
    async def CheckCollection(  # type: ignore[override] # the stubs know generators alone
        self, request: pb.CheckCollectionRequest, context: Context
    ) -> None:
        """Check a collection: write the progress, then the diagnosis."""
        async with (
            self._let_in(self._intakes.changes),
            aclosing(self._retrieval.collections.check(request.name)) as events,
        ):
            async for event in events:
                await context.write(wire.CHECKED.message(event))

    @needs(Role.WRITE)
    async def RebuildCollection(  # type: ignore[override]
        self, request: pb.RebuildCollectionRequest, context: Context
    ) -> None:
        """Rebuild a collection, and write the progress."""
        violations = Violations()
        wanted = wire.REBUILD.read(request, blame=violations.blame)
        violations.refuse(partial(check_index, wanted.index.applied(IndexSettings())))
        async with (
            self._let_in(self._intakes.changes),
            aclosing(self._retrieval.collections.rebuild(wanted.name, wanted.index)) as events,
        ):
            async for event in events:
                await context.write(wire.REBUILT.message(event))

    @needs(Role.WRITE)
    async def Upsert(self, request: pb.UpsertRequest, context: Context) -> pb.UpsertResponse:
        """Store rows."""
        violations = Violations()
        wanted = wire.read_upsert(request, violations.blame)
        violations.refuse(partial(check_rows, wanted.rows))
        async with self._let_in(self._intakes.changes):
            upserted = await self._retrieval.rows.upsert(
                wanted.collection, wanted.rows, wanted.vectors, truncate=wanted.truncate
            )
        return wire.UPSERTED.message(upserted)

    @needs(Role.WRITE)
    async def Delete(self, request: pb.DeleteRequest, context: Context) -> pb.DeleteResponse:
        """Delete rows."""
        violations = Violations()
        wanted = wire.DELETION.read(request, blame=violations.blame)
        violations.refuse()
        async with self._let_in(self._intakes.changes):
            deleted = await self._retrieval.rows.delete(
                wanted.collection, wanted.ids, wanted.filter, dry_run=wanted.dry_run
            )
        return wire.DELETED.message(deleted)

    @needs(Role.INFER)
    async def Search(self, request: pb.SearchRequest, context: Context) -> pb.SearchResponse:
        """Find rows."""
        violations = Violations()
        query = search.QUERY.read(request, blame=violations.blame)
        violations.refuse(partial(check_query, query))
        async with self._let_in(self._intakes.search, len(query.text or "")):
            found = await self._retrieval.search.run(query, arrival().deadline)
        current.get().facts.update(of_found(query.collection, found))
        return search_response(found, self._max_message_bytes)

    @needs(Role.WRITE)
    async def Ingest(  # type: ignore[override]
        self, request_iterator: AsyncIterator[pb.IngestRequest], context: Context
    ) -> None:
        """Write what became of each document; a caller that reads slowly holds up only its own stream."""
        events = (ingest_event(message) async for message in request_iterator)
        async with (
            self._let_in(self._intakes.changes),
            aclosing(self._retrieval.ingest.run(events)) as results,
        ):
            async for result in results:
                if isinstance(result, IngestFinished):
                    current.get().facts.update(of_ingested(result))
                await context.write(documents.RESULTS.message(result))

    @needs(Role.INFER)
    async def ListDocuments(  # type: ignore[override]
        self, request: pb.ListDocumentsRequest, context: Context
    ) -> None:
        """Write documents, page by page."""
        async with self._let_in(self._intakes.others):
            listed = self._retrieval.documents.list(request.collection, request.prefixes)
            async with aclosing(listed) as pages:
                async for page in pages:
                    await context.write(documents.STORED.message(tuple(page)))

    @needs(Role.WRITE)
    async def DeleteDocuments(
        self, request: pb.DeleteDocumentsRequest, context: Context
    ) -> pb.DeleteDocumentsResponse:
        """Delete documents."""
        async with self._let_in(self._intakes.changes):
            deleted = await self._retrieval.documents.delete(request.collection, request.ids)
        return documents.DELETED.message(deleted)

    def _let_in(self, intake: Intake, characters: int = 0) -> AbstractAsyncContextManager[None]:
        return let_in(self._requests, intake, characters)


def search_response(result: SearchResult, max_message_bytes: int) -> pb.SearchResponse:
    """Return the answer to a search.

    Raises:
        MessageTooLarge: it does not fit into a message; the error says how many hits would, if any.
    """
    response = search.RESULT.message(result)
    size = response.ByteSize()
    if size <= max_message_bytes:
        return response
    ends = accumulate(hit.ByteSize() + HIT_BYTES for hit in response.hits)
    fit = sum(end + MODE_BYTES <= max_message_bytes for end in ends)
    advice = f"ask for at most {fit}" if fit else "the first alone is too large"
    description = (
        f"the {len(response.hits)} hits have {size} bytes, and server.max_message_bytes is "
        f"{max_message_bytes}; {advice}"
    )
    raise MessageTooLarge.of("top_k", description)
