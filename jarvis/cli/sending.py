"""Reads the files of an ingestion as they are sent."""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from jarvis.client import Document

STDIN = "-"


def documents(files: Sequence[Path], source: str | None, most: int) -> "Iterator[Document]":
    """Return documents that are read as they are sent; one that cannot be read is sent with its failure.

    Standard input is read immediately, in the calling thread, so that Ctrl-C ends the wait for it.

    Args:
        files: the paths of the files; `STDIN` is standard input if `source` is given.
        source: the name of standard input.
        most: the most bytes of a document that the server takes.
    """
    piped = None if source is None else _document(source, lambda: _bounded(sys.stdin.buffer, most))
    return (
        piped if piped and str(file) == STDIN else _document(str(file), partial(read, file, most))
        for file in files
    )


def _document(name: str, read_data: Callable[[], bytes]) -> "Document":
    from jarvis.client import Document  # noqa: PLC0415

    try:
        return Document(name, read_data())
    except OSError as error:
        return Document(name, b"", failure=error.strerror or str(error))


def read(file: Path, most: int) -> bytes:
    """Read a regular file; do not wait for one that has become a pipe since it was listed.

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
    data = opened.read(most + 1)  # it may have grown, or have reported no size
    if len(data) > most:
        raise _too_large(f"more than {most}", most)
    return data


def _too_large(size: str, most: int) -> OSError:
    return OSError(errno.EFBIG, f"has {size} bytes, and retrieval.max_document_bytes is {most}")
