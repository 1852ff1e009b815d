"""Turns texts into requests, and answers into vectors."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence
from typing import Unpack

import grpc

from jarvis.client.errors import JarvisClientError
from jarvis.client.iterate import each
from jarvis.client.options import EmbedOptions
from jarvis.client.requests import embed_request, written
from jarvis.wire import embedding as wire
from jarvis.wire.messages import embedding_pb2 as pb
from jarvis_ports.values import Embeddings

Batches = AsyncIterable[Sequence[str]] | Iterable[Sequence[str]]
"""Batches of texts, from an asynchronous or an ordinary iterable."""


async def stream_requests(
    batches: Batches, **options: Unpack[EmbedOptions]
) -> AsyncGenerator[pb.EmbedStreamRequest, None]:
    """Yield one request for each batch; see `embed_request`."""
    async for batch in each(batches):
        yield written(wire.STREAM_REQUEST.message, embed_request(batch, options))


def embeddings(response: pb.EmbedResponse | pb.EmbedStreamResponse) -> Embeddings:
    """Return the vectors of an answer.

    Raises:
        JarvisClientError: INTERNAL, they do not follow the contract.
    """
    try:
        return wire.read_response(response)
    except ValueError as error:
        raise JarvisClientError(grpc.StatusCode.INTERNAL, str(error)) from None
