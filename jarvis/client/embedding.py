"""Texts to requests, and answers to vectors."""

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Sequence
from dataclasses import dataclass
from typing import TypedDict, Unpack

import grpc
import numpy as np
from numpy.typing import NDArray

from jarvis.client.errors import JarvisClientError, invalid
from jarvis.client.iterate import each
from jarvis.client.messages import M, build
from jarvis.v1 import embedding_pb2 as pb
from jarvis_ports.embedding import TextRole

Batches = AsyncIterable[Sequence[str]] | Iterable[Sequence[str]]
"""One batch of texts after another."""


class EmbedOptions(TypedDict, total=False):
    """What may be said beside the texts.

    Attributes:
        role: what they are for: `document` (the default), or `query` for texts to be searched with.
        dimension: how many components to keep, from the first; all where it is left out.
        truncate: cut off texts that are longer than the model reads, instead of refusing them.
        model: the embedding model's name.
    """

    role: TextRole | str
    dimension: int | None
    truncate: bool
    model: str | None


@dataclass(frozen=True, slots=True, eq=False)
class Embeddings:
    """The vectors of some texts, in their order.

    Attributes:
        model: the model that made them.
        vectors: one a row, of Euclidean length 1; shape (texts, dimension).
        tokens: of each whole text.
        truncated: whether the text was longer than the model reads, and was cut off.
        cached: whether the vector came from the server's cache.
    """

    model: str
    vectors: NDArray[np.float32]
    tokens: tuple[int, ...]
    truncated: tuple[bool, ...]
    cached: tuple[bool, ...]


def embed_request(kind: type[M], texts: Sequence[str], options: EmbedOptions) -> M:
    """Build a request to embed.

    Raises:
        JarvisClientError: INVALID_ARGUMENT, a value cannot be sent.
    """
    if isinstance(texts, str):
        raise invalid("texts", "is one text; give a list of texts")
    role = options.get("role", TextRole.DOCUMENT)
    if role not in list(TextRole):
        raise invalid("role", f"{role!r} is not one of {', '.join(TextRole)}")
    return build(
        kind,
        texts=texts,
        role=pb.TextRole.Value(f"TEXT_ROLE_{TextRole(role).name}"),
        dimension=options.get("dimension"),
        truncate=options.get("truncate"),
        model=options.get("model"),
    )


async def stream_requests(
    batches: Batches, **options: Unpack[EmbedOptions]
) -> AsyncGenerator[pb.EmbedStreamRequest, None]:
    """Build one request for each batch; see `embed_request`."""
    async for batch in each(batches):
        yield embed_request(pb.EmbedStreamRequest, batch, options)


def embeddings(response: pb.EmbedResponse | pb.EmbedStreamResponse) -> Embeddings:
    """Read vectors.

    Raises:
        JarvisClientError: INTERNAL, they are not as the contract says.
    """
    each = response.embeddings
    packed = bytearray().join(one.vector for one in each)
    if response.data_type != pb.DATA_TYPE_FLOAT32 or len(packed) != 4 * response.dimension * len(each):
        msg = f"the server sent vectors of type {response.data_type} that are not {response.dimension} long"
        raise JarvisClientError(grpc.StatusCode.INTERNAL, msg)
    vectors = np.frombuffer(packed, "<f4").reshape(len(each), response.dimension)
    return Embeddings(
        response.model,
        vectors.astype(np.float32, copy=False),
        tuple(one.tokens for one in each),
        tuple(one.truncated for one in each),
        tuple(one.cached for one in each),
    )
