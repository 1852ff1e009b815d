"""The servicer of EmbeddingService."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

import grpc

from jarvis.core.embedding import Embedding
from jarvis.core.requests import Requests
from jarvis.server import embedding_convert as convert
from jarvis.server.context import current
from jarvis.v1 import embedding_pb2 as pb
from jarvis.v1 import embedding_pb2_grpc

Context = grpc.aio.ServicerContext[Any, Any]
Request = TypeVar("Request")
Response = TypeVar("Response")
R = TypeVar("R", pb.EmbedResponse, pb.EmbedStreamResponse)

READ_AHEAD = 4
"""How many requests of one stream are worked at, or answered and not yet sent."""
TRACKED_AS = "embedder"


class EmbeddingServicer(embedding_pb2_grpc.EmbeddingServiceServicer):
    """Speaks the contract for the use case of embedding."""

    def __init__(self, embedding: Embedding, requests: Requests, max_message_bytes: int) -> None:
        self._embedding = embedding
        self._requests = requests
        self._max_message_bytes = max_message_bytes

    async def Embed(self, request: pb.EmbedRequest, context: Context) -> pb.EmbedResponse:
        """Embed one batch."""
        with self._requests.track(current.get().request_id, TRACKED_AS):
            return await self._embed(request, pb.EmbedResponse)

    async def EmbedStream(  # type: ignore[override] # the stubs know generators alone
        self, request_iterator: AsyncIterator[pb.EmbedStreamRequest], context: Context
    ) -> None:
        """Embed one batch after another, and read the next ones meanwhile."""

        async def answer(request: pb.EmbedStreamRequest) -> pb.EmbedStreamResponse:
            return await self._embed(request, pb.EmbedStreamResponse)

        with self._requests.track(current.get().request_id, TRACKED_AS):
            async with aclosing(in_order(request_iterator, answer, READ_AHEAD)) as answers:
                async for response in answers:
                    await context.write(response)

    async def _embed(self, request: pb.EmbedRequest | pb.EmbedStreamRequest, kind: type[R]) -> R:
        role = convert.role(request)
        convert.check_size(request, self._embedding.info.dimension, self._max_message_bytes)
        embedded = await self._embedding.embed(
            list(request.texts),
            role,
            model=request.model,
            dimension=request.dimension if request.HasField("dimension") else None,
            truncate=request.truncate,
        )
        return convert.response(kind, self._embedding.name, embedded)


async def in_order(
    requests: AsyncIterator[Request], answer: Callable[[Request], Coroutine[Any, Any, Response]], ahead: int
) -> AsyncGenerator[Response, None]:
    """Answer requests at once, at most `ahead` of them, and give the answers in the order of the requests.

    Raises:
        Exception: what reading or answering a request raised, after the answers to those before it.
    """
    begun: asyncio.Queue[asyncio.Task[Response] | None] = asyncio.Queue()
    room = asyncio.Semaphore(ahead)

    async def read() -> None:
        try:
            await room.acquire()
            async for request in requests:
                begun.put_nowait(asyncio.create_task(answer(request)))
                await room.acquire()
        finally:
            begun.put_nowait(None)

    reader = asyncio.create_task(read())
    try:
        while task := await begun.get():
            yield await task
            room.release()
        await reader
    finally:
        reader.cancel()
        left = []
        while not begun.empty():
            if task := begun.get_nowait():
                task.cancel()
                left.append(task)
        await asyncio.gather(reader, *left, return_exceptions=True)
