"""What is sent of the files that are ingested."""

import errno
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from jarvis.client import Document

STDIN = "-"


def documents(files: Sequence[Path], source: str | None, most: int) -> "Iterator[Document]":
    """Read files as they are sent; one that cannot be read is sent as one that fails.

    Args:
        files: their paths; `STDIN` is standard input where `source` names it.
        source: what standard input is called.
        most: bytes that the server takes of one.
    """
    from jarvis.client import Document  # noqa: PLC0415

    for file in files:
        name = source if source is not None and str(file) == STDIN else str(file)
        try:
            data = _bounded(sys.stdin.buffer, most) if name == source else read(file, most)
        except OSError as error:
            yield Document(name, b"", failure=error.strerror or str(error))
        else:
            yield Document(name, data)


def read(file: Path, most: int) -> bytes:
    """Read a regular file; what has become a pipe since it was listed is not waited for.

    Raises:
        OSError: it cannot be read, is no regular file, or has more than `most` bytes.
    """
    descriptor = os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as opened:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "it is no regular file any more")
        if status.st_size > most:
            raise _too_large(str(status.st_size), most)
        return _bounded(opened, most)


def _bounded(opened: BinaryIO, most: int) -> bytes:
    data = opened.read(most + 1)  # it may have grown, or not have told its size
    if len(data) > most:
        raise _too_large(f"more than {most}", most)
    return data


def _too_large(size: str, most: int) -> OSError:
    return OSError(errno.EFBIG, f"has {size} bytes, and retrieval.max_document_bytes is {most}")
