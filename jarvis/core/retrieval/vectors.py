"""Vectors that callers bring, and how near vectors are."""

from collections.abc import Sequence

import numpy as np

from jarvis_ports.embedding import Matrix
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.store import Space


def check_vector(field: str, vector: Matrix, dimension: int) -> None:
    """Check a vector of shape (components,).

    Raises:
        InvalidArgument: it has not `dimension` components, or is not finite, or zero.
    """
    if len(vector) != dimension:
        raise InvalidArgument.of(
            field, f"has {4 * len(vector)} bytes, needs {4 * dimension} ({dimension} float32)"
        )
    if not np.isfinite(vector).all():
        raise InvalidArgument.of(field, "has components that are not finite")
    if not vector.any():
        raise InvalidArgument.of(field, "is zero")


def similarities(space: Space, query: Matrix, vectors: Matrix) -> Sequence[float]:
    """Tell how near vectors, shape (rows, dimension), are to one of shape (dimension,); see `Space`."""
    one, others = query.astype(np.float64), vectors.astype(np.float64)
    if space is Space.L2:
        found = -np.square(others - one).sum(axis=1)
    else:
        found = others @ one
        if space is Space.COSINE:
            found /= np.linalg.norm(others, axis=1) * np.linalg.norm(one)
    return [float(similarity) for similarity in found]
