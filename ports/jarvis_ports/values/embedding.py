"""Requests to embed texts, and their vectors."""

import sys
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from jarvis_ports.values.enums import OpenEnum

if TYPE_CHECKING:
    from jarvis_ports.embedding import Matrix


class TextRole(OpenEnum):
    """The purpose of a text: some models embed a question differently from the passage that answers it."""

    QUERY = "query"
    DOCUMENT = "document"


@dataclass(frozen=True, slots=True)
class EmbedRequest:
    """What to embed; fields that are None are left to the server."""

    texts: tuple[str, ...]
    role: TextRole = TextRole.DOCUMENT
    dimension: int | None = None
    truncate: bool | None = None
    model: str | None = None


@dataclass(frozen=True)
class Embeddings:
    """The vectors of some texts, in their order.

    Attributes:
        model: the model that made them.
        dimension: the number of components of each.
        packed: all components of all vectors: little-endian float32.
        tokens: for each text, the number of tokens of the whole text.
        truncated: for each text, whether it was longer than the model reads, and was cut off.
        cached: for each text, whether its vector came from the server's cache.
    """

    model: str
    dimension: int
    packed: bytes
    tokens: tuple[int, ...]
    truncated: tuple[bool, ...]
    cached: tuple[bool, ...]

    @classmethod
    def of(
        cls,
        model: str,
        vectors: "Matrix",
        *,
        tokens: tuple[int, ...],
        truncated: tuple[bool, ...],
        cached: tuple[bool, ...],
    ) -> "Embeddings":
        """Return the value for a matrix of vectors."""
        packed = vectors.astype("<f4", copy=False).tobytes()
        made = cls(model, vectors.shape[1], packed, tokens, truncated, cached)
        made.__dict__["vectors"] = vectors
        return made

    @cached_property
    def vectors(self) -> "Matrix":
        """A NumPy matrix with a vector of Euclidean length 1 in each row; shape (texts, dimension).

        Raises:
            ImportError: NumPy is not installed; `lists` does not need it.
        """
        try:
            import numpy as np  # noqa: PLC0415 - callers need not have it
        except ImportError as error:
            raise ImportError("vectors need NumPy: pip install numpy; lists() does without") from error

        found = np.frombuffer(bytearray(self.packed), "<f4").reshape(len(self.tokens), self.dimension)
        return found.astype(np.float32, copy=False)

    def lists(self) -> list[list[float]]:
        """Return each vector as a list of its components."""
        floats = array("f", self.packed)
        if sys.byteorder == "big":
            floats.byteswap()
        return [
            floats[start : start + self.dimension].tolist()
            for start in range(0, len(floats), self.dimension or 1)
        ]

    def each(self) -> Sequence[bytes]:
        """Return the packed components of each vector."""
        size = 4 * self.dimension
        return [self.packed[start : start + size] for start in range(0, size * len(self.tokens), size or 1)]
