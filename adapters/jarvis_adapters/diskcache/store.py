"""Reads and writes the file of the cache, and recovers when it cannot be used."""

import logging
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, TypeVar

from diskcache import Cache, Timeout
from diskcache.core import DBNAME, DEFAULT_SETTINGS, METADATA

from jarvis_adapters.diskcache.disk import BytesDisk

logger = logging.getLogger(__name__)

T = TypeVar("T")

SETTINGS = DEFAULT_SETTINGS | {
    "eviction_policy": "least-recently-stored",  # the others turn each read into a write
    "cull_limit": 2,  # rows that may be evicted per row written
}
LOCK_SECONDS = 1.0
"""Seconds that a write waits for another process's write."""
RETRY_SECONDS = 10.0
"""Seconds between two attempts to open the file."""
UNREADABLE = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Damaged(Exception):
    """The file is not one that this cache wrote."""


class Store:
    """Reads and writes the file; every call comes from one thread, and none raises.

    `problem` says what is wrong, and is empty if nothing is.
    """

    def __init__(self, folder: Path, max_bytes: int) -> None:
        self._folder = folder
        self._settings = SETTINGS | {"size_limit": max_bytes}
        self._cache: Any = None
        self._retry_at = 0.0
        self.problem = ""

    def open(self) -> None:
        """Open the file, or create it."""
        self._attempt(lambda _: None)

    def get(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the values of those keys that the file holds."""

        def read(cache: Any) -> dict[bytes, bytes]:  # noqa: ANN401 - diskcache has no types
            found = ((key, cache.get(key)) for key in keys)
            return {key: value for key, value in found if value is not None}

        return self._attempt(read) or {}

    def put(self, items: Sequence[tuple[bytes, bytes]]) -> None:
        """Write items in one transaction."""

        def write(cache: Any) -> None:  # noqa: ANN401 - diskcache has no types
            with cache.transact():
                for key, value in items:
                    cache.set(key, value)
            self.problem = ""

        self._attempt(write)

    def close(self) -> None:
        """Close the file."""
        if self._cache is not None:
            self._cache.close()
            self._cache = None

    def _attempt(self, work: Callable[[Any], T]) -> T | None:
        """Run `work` on the file, opening it first if necessary; record whatever fails as the `problem`."""
        try:
            if self._cache is None:
                if time.monotonic() < self._retry_at:
                    return None
                self._cache = self._opened()
                self.problem = ""
            return work(self._cache)
        except (sqlite3.Error, OSError, Timeout, Damaged) as error:
            self._fail(error)
            return None

    def _fail(self, error: Exception) -> None:
        cause: BaseException = error
        while cause.__context__:  # diskcache hides what SQLite said behind its own errors
            cause = cause.__context__
        self.problem = f"{self._folder}: {cause}"
        if isinstance(error, Timeout):
            return
        with suppress(sqlite3.Error):
            self.close()
        self._retry_at = time.monotonic() + RETRY_SECONDS
        if _is_damage(cause):
            with suppress(OSError):
                self._set_aside(cause)

    def _opened(self) -> Any:  # noqa: ANN401 - diskcache has no types
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            _check(self._folder / DBNAME)
            return Cache(str(self._folder), timeout=LOCK_SECONDS, disk=BytesDisk, **self._settings)
        except (sqlite3.Error, Damaged) as error:
            if not _is_damage(error) and getattr(error, "sqlite_errorcode", 0) != sqlite3.SQLITE_ERROR:
                raise
            self._set_aside(error)
        return Cache(str(self._folder), timeout=LOCK_SECONDS, disk=BytesDisk, **self._settings)

    def _set_aside(self, error: BaseException) -> None:
        """Rename the file, replacing an earlier damaged one; what it held can be computed again."""
        logger.warning("%s is damaged (%s): set aside, and begun anew", self._folder / DBNAME, error)
        for suffix in ("", "-wal", "-shm"):
            file = self._folder / f"{DBNAME}{suffix}"
            with suppress(FileNotFoundError):
                file.replace(self._folder / f"{DBNAME}.damaged{suffix}")
        self._retry_at = 0.0


def _check(file: Path) -> None:
    """Check what diskcache trusts blindly: it makes an attribute of each name in the table `Settings`.

    Raises:
        Damaged: a name there is not one of diskcache's, or the database refers to other files.
        sqlite3.Error: the file cannot be read.
    """
    if not file.exists():
        return
    with closing(sqlite3.connect(file)) as connection:
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'Settings'").fetchall():
            return
        settings = dict(connection.execute("SELECT key, value FROM Settings"))
    if unknown := settings.keys() - DEFAULT_SETTINGS.keys() - METADATA.keys():
        msg = f"unknown settings: {', '.join(map(repr, unknown))}"
        raise Damaged(msg)
    if settings.get("size"):
        msg = "it refers to other files"
        raise Damaged(msg)


def _is_damage(error: BaseException) -> bool:
    return isinstance(error, Damaged) or getattr(error, "sqlite_errorcode", 0) & 0xFF in UNREADABLE
