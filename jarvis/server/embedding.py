"""The servicer of EmbeddingService."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any, TypeVar

import grpc

from jarvis.core.embedding import Embedding
from jarvis.core.embedding.validation import check_request
from jarvis.core.in_order import in_order
from jarvis.core.requests import Requests
from jarvis.core.violations import Violations
from jarvis.server import embedding_convert as convert
from jarvis.server.context import current
from jarvis.server.facts import add_embedded
from jarvis.v1 import embedding_pb2 as pb
from jarvis.v1 import embedding_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]
R = TypeVar("R", pb.EmbedResponse, pb.EmbedStreamResponse)

READ_AHEAD = 4
"""How many requests of one stream are worked at, or answered and not yet sent."""


class EmbeddingServicer(embedding_pb2_grpc.EmbeddingServiceServicer):
    """Speaks the contract for the use case of embedding."""

    def __init__(self, embedding: Embedding, requests: Requests, max_message_bytes: int) -> None:
        self._embedding = embedding
        self._requests = requests
        self._max_message_bytes = max_message_bytes

    async def Embed(self, request: pb.EmbedRequest, context: Context) -> pb.EmbedResponse:
        """Embed one batch."""
        with self._requests.track(current.get().request_id):
            return await self._embed(request, pb.EmbedResponse)

    async def EmbedStream(  # type: ignore[override] # the stubs know generators alone
        self, request_iterator: AsyncIterator[pb.EmbedStreamRequest], context: Context
    ) -> None:
        """Embed one batch after another, and read the next ones meanwhile."""

        async def answer(request: pb.EmbedStreamRequest) -> pb.EmbedStreamResponse:
            return await self._embed(request, pb.EmbedStreamResponse)

        requests = (request async for request in request_iterator)
        with self._requests.track(current.get().request_id):
            async with aclosing(in_order(requests, answer, READ_AHEAD)) as answers:
                async for response in answers:
                    await context.write(response)

    async def _embed(self, request: pb.EmbedRequest | pb.EmbedStreamRequest, kind: type[R]) -> R:
        violations, embedding, texts = Violations(), self._embedding, list(request.texts)
        role = convert.role(request, violations)
        dimension = request.dimension if request.HasField("dimension") else None
        most = embedding.info.dimension
        violations.note(partial(convert.check_size, request, most, self._max_message_bytes))
        violations.refuse(partial(check_request, texts, dimension, most, "texts[{}]"))
        embedded = await embedding.embed(
            texts,
            role,
            model=request.model,
            dimension=dimension,
            truncate=request.truncate,
        )
        name = embedding.name
        add_embedded(current.get().facts, name, embedded)
        return convert.response(kind, name, embedded)
