"""Runs work on a SQLite file in threads: one writes, and a few read at the same time."""

import asyncio
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from jarvis_ports.errors import StoreFailure

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]

READERS = 4
"""The number of connections that read at the same time."""


def connect(file: Path | None) -> sqlite3.Connection:
    """Open a file, or a database in memory, for use from any thread."""
    connection = sqlite3.connect(file or ":memory:", check_same_thread=False, isolation_level=None)
    try:
        # FULL: what is committed survives even a loss of power.
        for setting in ("journal_mode = WAL", "synchronous = FULL", "cache_size = -16000"):
            connection.execute(f"PRAGMA {setting}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


class Connections:
    """The connections to one file; a database in memory has only one, and its reads wait for its writes.

    Args:
        file: the database; None for one in memory.
        writer: a connection to it.
    """

    def __init__(self, file: Path | None, writer: sqlite3.Connection) -> None:
        self._name = f"text index {file or 'in memory'}"
        self._writer = writer
        self._writing = ThreadPoolExecutor(1, "text-index-writer")
        self._readers = [connect(file) for _ in range(READERS)] if file else []
        self._reading = ThreadPoolExecutor(READERS, "text-index-reader")
        self._idle: asyncio.LifoQueue[sqlite3.Connection] = asyncio.LifoQueue()
        for reader in self._readers:
            self._idle.put_nowait(reader)

    async def write(self, work: Work[T]) -> T:
        """Run work in one transaction, which is durable once this returns; if it fails, nothing remains.

        Raises:
            StoreFailure: SQLite failed, as when the disk is full.
        """
        run = asyncio.get_running_loop().run_in_executor
        return await run(self._writing, self._transact, self._writer, "BEGIN IMMEDIATE", work)

    async def read(self, work: Work[T]) -> T:
        """Run work that sees one state of the database, and interrupt it at once if the caller is cancelled.

        Raises:
            StoreFailure: SQLite failed.
        """
        if not self._readers:
            return await self.write(work)
        reader = await self._idle.get()
        run = asyncio.get_running_loop().run_in_executor
        running = run(self._reading, self._transact, reader, "BEGIN", work)

        def ended(running: asyncio.Future[T]) -> None:
            self._idle.put_nowait(reader)
            if not running.cancelled():
                running.exception()  # that of a read that was interrupted is of no interest to anyone

        running.add_done_callback(ended)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            if not running.done():  # otherwise another reader may have the connection already
                reader.interrupt()
            raise

    async def close(self) -> None:
        """Interrupt the reads, wait for the writes, and close the connections."""
        for reader in self._readers:
            reader.interrupt()
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._reading.shutdown()
        self._writing.shutdown()
        for connection in [*self._readers, self._writer]:  # the last one empties the write-ahead log
            connection.close()

    def _transact(self, connection: sqlite3.Connection, begin: str, work: Work[T]) -> T:
        try:
            with connection:
                connection.execute(begin)
                return work(connection)
        except sqlite3.Error as error:
            advice = "; restart the server: it begins a new index" if damaged(error) else ""
            msg = f"{self._name}: {error}{advice}"
            raise StoreFailure(msg) from error


def damaged(error: sqlite3.Error) -> bool:
    """Return whether an error means that the file is not a sound database."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the upper bits only say more exactly which
    return code in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
