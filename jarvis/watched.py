"""Files that are read again when they change."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Generic, TypeVar

T = TypeVar("T")

logger = logging.getLogger(__name__)

MOST_BYTES = 16_000_000
"""The largest file that is read, as others wait meanwhile: 50,000 keys have 10 MB, and take half a second."""


class Watched(Generic[T]):
    """What was read from some files, which are looked at each time that it is asked for.

    While they cannot be read, what was read before stays in force; the log says so once. Files that are of no
    use are read again once they have changed.

    Args:
        paths: the files.
        read: reads them; it raises OSError or ValueError if they cannot be read, or not be used.

    Raises:
        OSError, ValueError: `read` raised it.
    """

    def __init__(self, paths: Sequence[Path], read: Callable[[], T]) -> None:
        self._paths = paths
        self._read = read
        self._lock = threading.Lock()
        self._complaint = ""
        self._state = self._look()
        self._found = read()

    def current(self) -> T:
        """Return what is in force; safe in any thread."""
        with self._lock:
            if (state := self._look()) != self._state:
                try:
                    self._found, self._state, self._complaint = self._read(), state, ""
                except (OSError, ValueError) as error:
                    if isinstance(error, ValueError):
                        self._state = state
                    if (complaint := described(error)) != self._complaint:
                        self._complaint = complaint
                        logger.error("%s; what was read before stays in force", complaint)  # noqa: TRY400
            return self._found

    def _look(self) -> list[tuple[int, ...]]:
        return [state(path) for path in self._paths]


def described(error: OSError | ValueError) -> str:
    """Return what went wrong with a file, and which one it is, in words alone."""
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def read_regular(path: Path) -> bytes:
    """Return what is in a file of keys, or of certificates.

    Raises:
        OSError: it cannot be read, is no regular file, as to read a pipe may take for ever, or is too large.
    """
    if path.exists() and not path.is_file():
        raise OSError(f"{path} is no regular file")
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > MOST_BYTES:
            raise OSError(f"{path} has more than {MOST_BYTES:,} bytes, too many for a file of its kind")
        return file.read(MOST_BYTES)


def state(path: Path) -> tuple[int, ...]:
    """Return what changes when a file does; a file that is missing has nothing."""
    try:
        found = os.stat(path)  # noqa: PTH116 - of what a link leads to
    except OSError:
        return ()
    return found.st_ino, found.st_size, found.st_mtime_ns
