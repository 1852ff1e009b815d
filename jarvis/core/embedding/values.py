"""What the caches hold: keys, and vectors with the number of tokens of their text."""

import struct
from collections.abc import Iterable
from hashlib import blake2b
from typing import NamedTuple

import numpy as np

from jarvis_ports.embedding import Matrix, TextRole
from jarvis_ports.errors import InvalidArgument

VERSION = 1
"""The version of the formats of keys and values. A change to either needs a new one."""
HEADER = struct.Struct("<B3xII")
"""A value's header: version, tokens of the whole text, dimension. Little-endian float32 components follow."""
FLOAT = np.dtype("<f4")


def make_keys(identity: str, role: TextRole, texts: Iterable[str]) -> list[bytes]:
    """Return the keys of texts: two are equal exactly if the embedder, the role and the text are."""
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


class Vector(NamedTuple):
    """The vector of a text, of shape (dimension,), and the tokens of the whole text."""

    components: Matrix
    tokens: int


def pack(vector: Vector) -> bytes:
    """Return the cache's value for a vector."""
    components = vector.components.astype(FLOAT, copy=False)
    return HEADER.pack(VERSION, vector.tokens, len(components)) + components.tobytes()


def unpack(value: bytes, dimension: int) -> Vector | None:
    """Read a vector; return None if the value is not whole, or is of another version or dimension."""
    if len(value) != HEADER.size + FLOAT.itemsize * dimension:
        return None
    version, tokens, written = HEADER.unpack_from(value)
    if version != VERSION or written != dimension:
        return None
    return Vector(np.frombuffer(value, FLOAT, offset=HEADER.size), tokens)


def shortened(vectors: Matrix, dimension: int) -> Matrix:
    """Keep the first components of vectors, and scale them to length 1 again.

    Raises:
        InvalidArgument: the components that a vector keeps are all zero.
    """
    kept = vectors[:, :dimension]
    lengths = np.linalg.norm(kept, axis=1, keepdims=True)
    if not lengths.all():
        description = f"of the vector of a text, the first {dimension} components are 0; keep more of them"
        raise InvalidArgument.of("dimension", description)
    scaled: Matrix = kept / lengths
    return scaled
