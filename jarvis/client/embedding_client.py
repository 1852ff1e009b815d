"""The calls of the embedding service."""
# ruff: noqa: ASYNC109 - these are gRPC deadlines, which the server sees too

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Unpack

from jarvis.client.calls import Calls
from jarvis.client.embedding import Batches, embeddings, stream_requests
from jarvis.client.options import EmbedOptions, RerankOptions
from jarvis.client.requests import embed_request, rerank_request, written
from jarvis.v1 import embedding_pb2_grpc
from jarvis.wire import embedding
from jarvis_ports.values import Embeddings, Reranked


class EmbeddingClient:
    """The part of `JarvisClient` that turns texts into vectors, and scores them."""

    _calls: Calls
    _embedding: "embedding_pb2_grpc.EmbeddingServiceAsyncStub"

    async def embed(
        self,
        texts: Sequence[str],
        *,
        request_id: str | None = None,
        timeout: float | None = None,
        **options: Unpack[EmbedOptions],
    ) -> Embeddings:
        """Turn texts into vectors.

        Args:
            texts: at least one, at most 2,048, none empty.
            request_id: see `stream`.
            timeout: seconds for the call.
            **options: see `EmbedOptions`.
        """
        request = written(embedding.REQUEST.message, embed_request(texts, options))
        method = self._embedding.Embed
        response = await self._calls.unary(method, request, request_id=request_id, timeout=timeout)
        return embeddings(response)

    async def rerank(
        self,
        query: str,
        documents: Sequence[str],
        *,
        request_id: str | None = None,
        timeout: float | None = None,
        **options: Unpack[RerankOptions],
    ) -> Reranked:
        """Score documents by how well each answers a query; return them, the best first.

        Args:
            query: not blank.
            documents: at least one, at most 1,000, none empty.
            request_id: see `stream`.
            timeout: seconds for the call.
            **options: see `RerankOptions`.
        """
        request = written(embedding.RERANK.message, rerank_request(query, documents, options))
        method = self._embedding.Rerank
        response = await self._calls.unary(method, request, request_id=request_id, timeout=timeout)
        return embedding.RERANKED.read(response)

    async def embed_stream(
        self,
        batches: Batches,
        *,
        request_id: str | None = None,
        timeout: float | None = None,
        **options: Unpack[EmbedOptions],
    ) -> AsyncGenerator[Embeddings, None]:
        """Turn one batch of texts after another into vectors, in order; nothing is repeated.

        Batches are taken while earlier ones are embedded, as far ahead as the server reads. Closing the
        stream, or breaking out of the loop over it, cancels what is left.

        Args:
            batches: each is like the texts of `embed`; an ordinary iterable is read in a thread.
            request_id: see `stream`.
            timeout: seconds for the whole stream.
            **options: see `EmbedOptions`.
        """
        requests = stream_requests(batches, **options)
        method = self._embedding.EmbedStream
        messages = self._calls.duplex(method, requests, request_id=request_id, timeout=timeout)
        async with aclosing(messages):
            async for message in messages:
                yield embeddings(message)
