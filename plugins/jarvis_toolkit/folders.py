"""The folders in which adapters keep their files."""

import fcntl
import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from platformdirs import user_cache_dir, user_data_dir

from jarvis_ports.errors import StoreUnusable

logger = logging.getLogger(__name__)


def data_folder(name: str) -> Path:
    """Return a folder for data that must not be lost: in JARVIS_DATA_DIR, or the user's data folder."""
    return Path(os.environ.get("JARVIS_DATA_DIR") or user_data_dir("jarvis")).absolute() / name


def cache_folder(name: str) -> Path:
    """Return a folder for data that can be made again: in JARVIS_CACHE_DIR, or the user's cache folder."""
    return Path(os.environ.get("JARVIS_CACHE_DIR") or user_cache_dir("jarvis")).absolute() / name


HOLDER = "lock.pid"
"""The file in a locked folder with the id of the process to report as its holder."""
CHANGING = "changing"
"""The file that whoever changes a folder's other files locks meanwhile."""
LOCKS = {"lock", HOLDER, CHANGING}


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
        _take_back(folder)
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


@contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Wait until no other process is in this block for the folder, and keep others waiting until its end.

    An adapter changes the files of its folder inside such a block; a backup copies them inside another.
    """
    with (folder / CHANGING).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def successor(folder: Path) -> Path:
    """Return the folder in which what will replace a folder is put together."""
    return folder.with_name(f"{folder.name}.restoring")


def replace_folder(folder: Path) -> Path:
    """Put a folder's successor in its place, and return where the old one is now, for the caller to delete.

    After a kill in between, `locked` puts the old one back.
    """
    before = _before(folder)
    shutil.rmtree(before, ignore_errors=True)  # of an earlier one that was killed while it was deleted
    folder.rename(before)
    try:
        successor(folder).rename(folder)
    except OSError:
        before.rename(folder)
        raise
    return before


def _before(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.before-restore")


def _take_back(folder: Path) -> None:
    before = _before(folder)
    if before.exists() and successor(folder).exists() and not folder.exists():
        before.rename(folder)
        logger.warning("%s: a restore was cut off, and what was there before is in its place again", folder)
