"""Vectors, packed as little-endian float32. Only reading them imports NumPy: callers need not have it."""

import sys
from array import array
from typing import TYPE_CHECKING, Any

from jarvis.wire.convert import Blame
from jarvis_ports.errors import InvalidArgument

if TYPE_CHECKING:
    from jarvis_ports.embedding import Matrix

FLOAT_BYTES = 4


class Vector:
    """Converts one vector: a NumPy array, or any other iterable of numbers."""

    optional = True

    def write(self, value: Any, path: str) -> bytes:  # noqa: ANN401 - NumPy's ArrayLike
        """Return what the message has for a value; see `Converter`."""
        if isinstance(shape := getattr(value, "shape", (0,)), tuple) and len(shape) != 1:
            raise InvalidArgument.of(path, f"must have the shape (dimension,), has {shape}")
        try:
            if hasattr(value, "astype"):
                packed: bytes = value.astype("<f4", copy=False).tobytes()
                return packed
            floats = array("f", value)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidArgument.of(path, f"must be numbers, of the shape (dimension,): {error}") from None
        if sys.byteorder == "big":
            floats.byteswap()
        return floats.tobytes()

    def read(self, raw: bytes, path: str, blame: Blame | None) -> "Matrix":
        """Return the value of what the message has for it; see `Converter`."""
        import numpy as np  # noqa: PLC0415 - callers need not have it

        if rest := len(raw) % FLOAT_BYTES:
            if blame:
                blame(path, f"has {len(raw)} bytes, which is no number of float32 of 4 bytes")
            raw = raw[:-rest]
        return np.frombuffer(raw, "<f4").astype(np.float32)


VECTOR = Vector()
