"""embedding.proto."""

from typing import TypeVar

from jarvis.v1 import embedding_pb2 as pb
from jarvis.wire.codec import Codec
from jarvis.wire.convert import Blame, Enumeration, Many
from jarvis.wire.vectors import FLOAT_BYTES
from jarvis_ports.values import Embeddings, EmbedRequest, Reranked, RerankRequest, ScoredDocument, TextRole

Response = pb.EmbedResponse | pb.EmbedStreamResponse
R = TypeVar("R", pb.EmbedResponse, pb.EmbedStreamResponse)

ROLES = Enumeration(pb.TextRole, TextRole, unset=TextRole.DOCUMENT, fallback=TextRole.DOCUMENT)
RERANK = Codec(pb.RerankRequest, RerankRequest)
RERANKED = Codec(pb.RerankResponse, Reranked, results=Many(Codec(pb.ScoredDocument, ScoredDocument)))
REQUEST = Codec(pb.EmbedRequest, EmbedRequest, role=ROLES)
STREAM_REQUEST = Codec(pb.EmbedStreamRequest, EmbedRequest, role=ROLES)


def read_request(message: pb.EmbedRequest | pb.EmbedStreamRequest, blame: Blame) -> EmbedRequest:
    """Return what to embed; a role that the contract does not have is blamed."""
    return EmbedRequest(**REQUEST.values(message, blame=blame))


def response(embeddings: Embeddings) -> pb.EmbedResponse:
    """Return the answer to one request."""
    return _write(pb.EmbedResponse, embeddings)


def stream_response(embeddings: Embeddings) -> pb.EmbedStreamResponse:
    """Return the answer to one request of a stream."""
    return _write(pb.EmbedStreamResponse, embeddings)


def _write(kind: type[R], value: Embeddings) -> R:
    rows = zip(value.each(), value.tokens, value.truncated, value.cached, strict=True)
    return kind(
        model=value.model,
        dimension=value.dimension,
        data_type=pb.DATA_TYPE_FLOAT32,
        embeddings=[
            pb.Embedding(vector=vector, tokens=tokens, truncated=truncated, cached=cached)
            for vector, tokens, truncated, cached in rows
        ],
    )


def read_response(message: Response) -> Embeddings:
    """Return the vectors of an answer.

    Raises:
        ValueError: the vectors are not as the contract says.
    """
    each, dimension = message.embeddings, message.dimension
    packed = b"".join(one.vector for one in each)
    if message.data_type != pb.DATA_TYPE_FLOAT32 or len(packed) != FLOAT_BYTES * dimension * len(each):
        msg = f"the server sent vectors of type {message.data_type} that are not {dimension} long"
        raise ValueError(msg)
    return Embeddings(
        model=message.model,
        dimension=dimension,
        packed=packed,
        tokens=tuple(one.tokens for one in each),
        truncated=tuple(one.truncated for one in each),
        cached=tuple(one.cached for one in each),
    )
