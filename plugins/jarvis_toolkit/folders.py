"""The folders in which adapters keep their files."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_dir, user_data_dir

from jarvis_ports.errors import StoreUnusable


def data_folder(name: str) -> Path:
    """Return a folder for data that must not be lost: in JARVIS_DATA_DIR, or the user's data folder."""
    return Path(os.environ.get("JARVIS_DATA_DIR") or user_data_dir("jarvis")).absolute() / name


def cache_folder(name: str) -> Path:
    """Return a folder for data that can be made again: in JARVIS_CACHE_DIR, or the user's cache folder."""
    return Path(os.environ.get("JARVIS_CACHE_DIR") or user_cache_dir("jarvis")).absolute() / name


HOLDER = "lock.pid"
"""The file in a locked folder with the id of the process to report as its holder."""


@contextmanager
def locked(folder: Path, holder: int | None = None) -> Iterator[None]:
    """Make a folder with mode 0700 if there is none, and lock it against other processes for the block.

    The lock is also released when the process ends, for whatever reason.

    Args:
        folder: the folder.
        holder: the process id that others see as the holder; this process's own by default.

    Raises:
        StoreUnusable: another process, which is named, holds the folder; or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(folder / "lock")
        lock.acquire(timeout=0)
        (folder / HOLDER).write_text(str(holder or os.getpid()))
    except Timeout:
        pid = (folder / HOLDER).read_text() if (folder / HOLDER).exists() else "unknown"
        msg = f"{folder}: the process {pid} uses it; stop that one, or configure another folder"
        raise StoreUnusable(msg) from None
    except OSError as error:
        msg = f"{folder}: cannot be written: {error.strerror}"
        raise StoreUnusable(msg) from None
    try:
        yield
    finally:
        lock.release()
