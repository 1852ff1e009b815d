"""What the caches hold: keys, and vectors with the number of tokens of their text."""

import struct
from collections.abc import Iterable, Sequence
from hashlib import blake2b

import numpy as np

from jarvis_ports.embedding import Matrix, TextRole
from jarvis_ports.errors import InvalidArgument

VERSION = 1
"""Of keys and values; whatever changes either raises it."""
HEADER = struct.Struct("<B3xII")
"""Version, tokens of the whole text, dimension. The components follow: float32, little-endian."""
FLOAT = np.dtype("<f4")


def make_keys(identity: str, role: TextRole, texts: Iterable[str]) -> list[bytes]:
    """Name the vectors of texts: the same exactly where embedder, role and text are."""
    base = blake2b(digest_size=32)
    for part in (bytes([VERSION]), identity.encode(), role.encode()):
        _add(base, part)
    keys = []
    for text in texts:
        own = base.copy()
        _add(own, text.encode())
        keys.append(own.digest())
    return keys


def _add(digest: blake2b, part: bytes) -> None:
    digest.update(len(part).to_bytes(8, "little"))
    digest.update(part)


def pack(vector: Matrix, tokens: int) -> bytes:
    """Make the value of one vector, of shape (dimension,)."""
    return HEADER.pack(VERSION, tokens, vector.shape[0]) + vector.astype(FLOAT, copy=False).tobytes()


def is_valid(value: bytes, dimension: int) -> bool:
    """Tell whether a value is whole, and of this version and dimension."""
    if len(value) != HEADER.size + FLOAT.itemsize * dimension:
        return False
    version, _, written = HEADER.unpack_from(value)
    return bool(version == VERSION and written == dimension)


def tokens_of(value: bytes) -> int:
    """Read the number of tokens of the text."""
    return int(HEADER.unpack_from(value)[1])


def matrix_of(values: Sequence[bytes], dimension: int) -> Matrix:
    """Read vectors, one a row: shape (values, dimension)."""
    packed = bytearray().join(value[HEADER.size :] for value in values)
    return np.frombuffer(packed, FLOAT).reshape(len(values), dimension).astype(np.float32, copy=False)


def shortened(vectors: Matrix, dimension: int) -> Matrix:
    """Keep the first components of vectors, and scale them to length 1 again.

    Raises:
        InvalidArgument: a vector has nothing but zeros there.
    """
    kept = vectors[:, :dimension]
    lengths = np.linalg.norm(kept, axis=1, keepdims=True)
    if not lengths.all():
        description = f"of the vector of a text, the first {dimension} components are 0; keep more of them"
        raise InvalidArgument.of("dimension", description)
    scaled: Matrix = kept / lengths
    return scaled
