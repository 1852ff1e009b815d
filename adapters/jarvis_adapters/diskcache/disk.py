"""diskcache without pickle.

diskcache 5.6.3 unpickles what it finds in its file (CVE-2025-69872, no fixed release), and opens and removes
the files whose names it finds there. This stores bytes in the SQLite file, and reads nothing else from it.
"""
# ruff: noqa: ANN401, ARG002, FBT001 - the methods have the arguments of diskcache's

import sqlite3
from typing import Any
from zlib import crc32

from diskcache import Disk
from diskcache.core import MODE_RAW

CRC_BYTES = 4


class BytesDisk(Disk):  # type: ignore[misc] # diskcache has no types
    """A `Disk` of bytes, keys and values alike; a CRC-32 precedes each value, as SQLite has no checksums.

    A value that cannot be read raises `OSError`, which diskcache takes for a miss.
    """

    def put(self, key: bytes) -> tuple[sqlite3.Binary, bool]:
        """Convert a key for SQLite."""
        return sqlite3.Binary(_only_bytes(key)), True

    def get(self, key: Any, raw: bool) -> bytes:
        """Convert a key from SQLite."""
        return _only_bytes(key)

    def store(self, value: bytes, read: bool, key: Any = None) -> tuple[int, int, None, sqlite3.Binary]:
        """Return the row for a value: the size of its file, its mode, its file name and its content."""
        crc = crc32(_only_bytes(value)).to_bytes(CRC_BYTES, "little")
        return 0, MODE_RAW, None, sqlite3.Binary(crc + value)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> bytes:
        """Return the value of a row."""
        if mode != MODE_RAW or filename is not None or type(value) is not bytes:
            raise OSError("the row was not written by this cache")
        crc, content = value[:CRC_BYTES], value[CRC_BYTES:]
        if crc32(content).to_bytes(CRC_BYTES, "little") != crc:
            raise OSError("the row is damaged")
        return content

    def remove(self, file_path: str) -> None:
        """Do nothing: no row that this cache writes names a file."""


def _only_bytes(given: Any) -> bytes:
    if type(given) is not bytes:
        msg = f"only bytes are stored, not {type(given).__name__}"
        raise TypeError(msg)
    return given
