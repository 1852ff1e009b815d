"""Between the contract's messages of embedding and the domain."""

from typing import TypeVar

from jarvis.core.embedding import MAX_TEXTS, Embedded
from jarvis.core.violations import Violations
from jarvis.server import enums
from jarvis.v1 import embedding_pb2 as pb
from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import MessageTooLarge

Request = pb.EmbedRequest | pb.EmbedStreamRequest
R = TypeVar("R", pb.EmbedResponse, pb.EmbedStreamResponse)

ROLES = {
    pb.TEXT_ROLE_UNSPECIFIED: TextRole.DOCUMENT,
    pb.TEXT_ROLE_QUERY: TextRole.QUERY,
    pb.TEXT_ROLE_DOCUMENT: TextRole.DOCUMENT,
}
COMPONENT_BYTES = 4
OTHER_BYTES = 32
"""The most that an `Embedding` has beside its components: tags, lengths, and its other fields."""


def role(request: Request, violations: Violations) -> TextRole:
    """Read what the texts are for; a role that the contract does not have is blamed."""
    return enums.read(request.role, ROLES, pb.TextRole.Name, "role", violations) or TextRole.DOCUMENT


def check_size(request: Request, most_dimensions: int, max_message_bytes: int) -> None:
    """Check that the answer fits a message.

    Raises:
        MessageTooLarge: it does not, and fewer texts would.
    """
    dimension = min(request.dimension or most_dimensions, most_dimensions)
    each = dimension * COMPONENT_BYTES + OTHER_BYTES
    count = len(request.texts)
    if count <= MAX_TEXTS and count * each > max_message_bytes:
        description = (
            f"{count} vectors of {dimension} components have {count * each} bytes, and "
            f"server.max_message_bytes is {max_message_bytes}; send at most {max_message_bytes // each} texts"
        )
        raise MessageTooLarge.of("texts", description)


def response(kind: type[R], model: str, embedded: Embedded) -> R:
    """Make the answer."""
    rows = zip(
        embedded.vectors.astype("<f4", copy=False),
        embedded.tokens,
        embedded.truncated,
        embedded.cached,
        strict=True,
    )
    return kind(
        model=model,
        dimension=embedded.vectors.shape[1],
        data_type=pb.DATA_TYPE_FLOAT32,
        embeddings=[
            pb.Embedding(vector=vector.tobytes(), tokens=tokens, truncated=truncated, cached=cached)
            for vector, tokens, truncated, cached in rows
        ],
    )
