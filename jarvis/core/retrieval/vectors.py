"""Vectors that callers supply."""

import numpy as np

from jarvis_ports.embedding import Matrix
from jarvis_ports.errors import InvalidArgument


def check_vector(field: str, vector: Matrix, dimension: int) -> None:
    """Check a vector of shape (components,).

    Raises:
        InvalidArgument: it does not have `dimension` components, or is not finite, or is zero.
    """
    if len(vector) != dimension:
        raise InvalidArgument.of(
            field, f"has {4 * len(vector)} bytes, needs {4 * dimension} ({dimension} float32)"
        )
    if not np.isfinite(vector).all():
        raise InvalidArgument.of(field, "has components that are not finite")
    if not vector.any():
        raise InvalidArgument.of(field, "is zero")
