"""The servicer of EmbeddingService."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from functools import partial
from typing import Any

import grpc

from jarvis.core.admission import Intakes
from jarvis.core.embedding import MAX_TEXTS, Embedding
from jarvis.core.embedding.validation import check_request
from jarvis.core.in_order import in_order
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.metering import Metering
from jarvis.core.principal import Role, principal
from jarvis.core.reranking import Reranking, check_rerank
from jarvis.core.tokens import tokens_in
from jarvis.core.violations import Violations
from jarvis.server.context import arrival, current, tracked
from jarvis.server.facts import add_embedded, of_reranked
from jarvis.server.roles import needs
from jarvis.v1 import embedding_pb2_grpc
from jarvis.wire import embedding as wire
from jarvis.wire.messages import embedding_pb2 as pb
from jarvis.wire.vectors import FLOAT_BYTES
from jarvis_ports.errors import MessageTooLarge
from jarvis_ports.values import Embeddings, EmbedRequest

Context = grpc.aio.ServicerContext[Any, Any]

OTHER_BYTES = 32
"""The most bytes that an `Embedding` has besides its components: tags, lengths, and its other fields."""
READ_AHEAD = 4
"""The most requests of one stream that are in progress, or are answered but not yet sent."""


class EmbeddingServicer(embedding_pb2_grpc.EmbeddingServiceServicer):
    """Translates between the contract and the use cases of embedding and reranking."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that it works with
        self,
        embedding: Embedding,
        reranking: Reranking,
        intakes: Intakes,
        requests: Requests,
        metering: Metering,
        max_message_bytes: int,
    ) -> None:
        self._embedding = embedding
        self._reranking = reranking
        self._intakes = intakes
        self._metering = metering
        self._requests = requests
        self._max_message_bytes = max_message_bytes

    @needs(Role.INFER)
    async def Embed(self, request: pb.EmbedRequest, context: Context) -> pb.EmbedResponse:
        """Embed one batch."""
        with tracked(self._requests):
            return wire.response(await self._embed(request))

    @needs(Role.INFER)
    async def EmbedStream(  # type: ignore[override] # the stubs know generators alone
        self, request_iterator: AsyncIterator[pb.EmbedStreamRequest], context: Context
    ) -> None:
        """Embed a stream of batches, up to `READ_AHEAD` at the same time, and answer them in order."""

        async def answer(request: pb.EmbedStreamRequest) -> pb.EmbedStreamResponse:
            return wire.stream_response(await self._embed(request))

        requests = (request async for request in request_iterator)
        with tracked(self._requests):
            async with aclosing(in_order(requests, answer, READ_AHEAD)) as answers:
                async for response in answers:
                    await context.write(response)

    @needs(Role.INFER)
    async def Rerank(self, request: pb.RerankRequest, context: Context) -> pb.RerankResponse:
        """Score documents."""
        violations = Violations()
        wanted = wire.RERANK.read(request, blame=violations.blame)
        violations.refuse(partial(check_rerank, wanted))
        characters = len(wanted.query) * len(wanted.documents) + sum(map(len, wanted.documents))
        with tracked(self._requests):
            async with (
                self._metering.tokens(principal.get().name, tokens_in(characters)) as spent,
                self._intakes.reranking.request(arrival(), characters),
            ):
                ranked = await self._reranking.rerank(wanted)
                spent.model, spent.prompt_tokens = ranked.model, ranked.tokens
        current.get().facts.update(of_reranked(ranked, len(wanted.documents)))
        response = wire.RERANKED.message(ranked)
        if (size := response.ByteSize()) > self._max_message_bytes:
            told = f"the answer has {size} bytes, and server.max_message_bytes is {self._max_message_bytes}"
            raise MessageTooLarge.of("return_documents", told)
        return response

    async def _embed(self, message: pb.EmbedRequest | pb.EmbedStreamRequest) -> Embeddings:
        violations, embedding = Violations(), self._embedding
        request = wire.read_request(message, violations.blame)
        info = embedding.info
        violations.note(partial(check_size, request, info.dimension, self._max_message_bytes))
        violations.refuse(partial(check_request, request.texts, request.dimension, info, "texts[{}]"))
        characters = sum(map(len, request.texts))
        async with (
            self._metering.tokens(principal.get().name, tokens_in(characters)) as spent,
            self._intakes.embedding.request(arrival(), characters),
        ):
            embedded = await embedding.embed(
                request.texts,
                request.role,
                model=request.model or "",
                dimension=request.dimension,
                truncate=bool(request.truncate),
            )
            spent.model, spent.prompt_tokens = embedded.model, sum(embedded.tokens)
        add_embedded(current.get().facts, embedded)
        return embedded


def check_size(request: EmbedRequest, most_dimensions: int, max_message_bytes: int) -> None:
    """Check that the answer fits into a message.

    Raises:
        MessageTooLarge: it does not, but the answer to fewer texts would.
    """
    dimension = min(request.dimension or most_dimensions, most_dimensions)
    each = dimension * FLOAT_BYTES + OTHER_BYTES
    count = len(request.texts)
    if count <= MAX_TEXTS and count * each > max_message_bytes:
        description = (
            f"{count} vectors of {dimension} components have {count * each} bytes, and "
            f"server.max_message_bytes is {max_message_bytes}; send at most {max_message_bytes // each} texts"
        )
        raise MessageTooLarge.of("texts", description)
