"""Sinks for the lines of the log: a descriptor, or a file that is renamed when it is full.

They write without Python's buffers and locks, so that a write that hangs does not keep the process from
ending.
"""

import contextlib
import errno
import os
import select
import stat
import sys
from pathlib import Path
from typing import Protocol

from jarvis.app.config import ConfigError, LogConfig


class Sink(Protocol):
    """Takes whole lines, from one thread."""

    def write(self, line: bytes) -> None:
        """Write all of a line, or raise OSError."""

    def __str__(self) -> str:
        """Return its name, for the operator."""

    def close(self) -> None:
        """Close what was opened."""


def open_sink(config: LogConfig) -> Sink:
    """Open the sink that the configuration names.

    Raises:
        ConfigError: it cannot be written to.
    """
    if config.file:
        try:
            return RotatingFile(_path(config.file), config.max_file_bytes, config.backup_files)
        except OSError as error:
            raise _cannot_write(config.file, error) from None
    try:
        return Descriptor(sys.stderr.fileno())
    except (AttributeError, OSError, ValueError):
        msg = "log.file: this process has no standard error to write to; name a file"
        raise ConfigError(msg) from None


def check_file(config: LogConfig) -> None:
    """Check that the file of the configuration, if it names one, could be written to, without making it.

    Raises:
        ConfigError: it could not.
    """
    if not config.file:
        return
    path = _path(config.file)
    code: int | None = None
    try:
        if path.is_dir():
            code = errno.EISDIR
        elif not path.parent.is_dir():
            code = errno.ENOTDIR if path.parent.exists() else errno.ENOENT
        elif not os.access(path if path.exists() else path.parent, os.W_OK):
            code = errno.EACCES
    except OSError as error:
        code = error.errno
    if code:
        raise _cannot_write(config.file, OSError(code, os.strerror(code)))


def _path(file: str) -> Path:
    return Path(os.path.expanduser(file)).absolute()  # noqa: PTH111 - its own raises without a home


def _cannot_write(file: str, error: OSError) -> ConfigError:
    return ConfigError(
        f"log.file: {file} cannot be written: {error.strerror}; "
        "make its folder, let this user write there, or name another file"
    )


class Descriptor:
    """An open file descriptor, that of standard error."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def write(self, line: bytes) -> None:
        """See `Sink.write`."""
        _write_all(self._descriptor, line)

    def __str__(self) -> str:
        return "standard error"

    def close(self) -> None:
        """Leave it open: others write there as well."""


class RotatingFile:
    """A file that lines are appended to; when it is full, `.1` is added to its name and a new one begun.

    It is not a handler of `logging`: `dictConfig`, which vLLM calls, closes those.

    Args:
        path: the file.
        max_bytes: it is renamed before it grows larger; 0: never.
        backups: how many renamed files are kept.

    Raises:
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path, max_bytes: int, backups: int) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._backups = backups
        self._stuck = False
        self._descriptor = self._open()

    def _open(self) -> int:
        return os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)

    def write(self, line: bytes) -> None:
        """See `Sink.write`. A line that cannot be written whole is removed again."""
        size = self._size()
        if self._max_bytes and size and size + len(line) > self._max_bytes:
            self._rotate()
            size = self._size()
        try:
            _write_all(self._descriptor, line)
        except OSError:
            if size is not None:
                with contextlib.suppress(OSError):
                    os.truncate(self._descriptor, size)
            raise

    def close(self) -> None:
        """See `Sink.close`."""
        os.close(self._descriptor)

    def __str__(self) -> str:
        return str(self._path)

    def _rotate(self) -> None:
        """Rename the file and begin a new one; if that fails, this one keeps growing, and no line is lost."""
        try:
            if self._path.exists():
                for number in range(self._backups, 0, -1):
                    older = self._numbered(number - 1)
                    if older.exists():
                        older.replace(self._numbered(number))
            new = self._open()
        except OSError as error:
            if not self._stuck:
                complain(f"{self} cannot be renamed and grows on: {error}")
            self._stuck = True
        else:
            os.close(self._descriptor)
            self._descriptor = new
            self._stuck = False

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path

    def _size(self) -> int | None:
        """Return the size of a regular file; None for a pipe or a device, which has none."""
        found = os.fstat(self._descriptor)
        return found.st_size if stat.S_ISREG(found.st_mode) else None


def complain(message: str) -> None:
    """Write to standard error what the log cannot report, unless that would hang as well."""
    with contextlib.suppress(AttributeError, OSError, ValueError):
        descriptor = sys.stderr.fileno()
        if select.select([], [descriptor], [], 0)[1]:
            _write_all(descriptor, f"jarvis: {message}\n".encode(errors="backslashreplace"))


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        try:
            left = left[os.write(descriptor, left) :]
        except BlockingIOError:  # someone who shares it has made it non-blocking
            select.select([], [descriptor], [])
