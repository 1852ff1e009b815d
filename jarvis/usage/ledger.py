"""Keeps what callers used, by day, in SQLite."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jarvis_ports.errors import StoreFailure, StoreUnusable
from jarvis_ports.values import CallerUsage

logger = logging.getLogger(__name__)

WRITE_SECONDS = 1.0
"""How often what was used is written: as much may be lost where the server is killed."""
KEPT_DAYS = 400
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
VERSION = 1
Key = tuple[str, str, str]

SCHEMA = """
CREATE TABLE IF NOT EXISTS usage (
  day TEXT, caller TEXT, model TEXT,
  requests INTEGER NOT NULL, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL,
  PRIMARY KEY (day, caller, model)
) WITHOUT ROWID
"""
ADD = """
INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
  requests = requests + excluded.requests,
  prompt_tokens = prompt_tokens + excluded.prompt_tokens,
  completion_tokens = completion_tokens + excluded.completion_tokens
"""
SPENT = "SELECT caller, SUM(prompt_tokens + completion_tokens) FROM usage WHERE day = ? GROUP BY caller"


class SQLiteLedger:
    """Keeps what callers used in a file that several servers may write; see `jarvis.core.metering.Ledger`.

    Args:
        file: the file; None keeps it in memory.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._file = file
        self._lock = threading.Lock()
        self._pending: dict[Key, tuple[int, ...]] = {}
        self._today: dict[tuple[str, str], int] = {}
        self._database: sqlite3.Connection | None = None
        self._access = threading.Lock()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Write what is used while the block runs, and the rest at its end.

        Raises:
            StoreUnusable: the file cannot be opened or read.
        """
        try:
            self._database = database = self._opened()
        except (sqlite3.Error, OSError) as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            todo = "; restore it, or move it away, and a new one is begun" if code in DAMAGED else ""
            raise StoreUnusable(f"usage: {self._file}: {error}{todo}") from None
        ended = threading.Event()
        writer = threading.Thread(target=self._write_on, args=(ended,), name="usage-writer", daemon=True)
        writer.start()
        try:
            yield
        finally:
            ended.set()
            writer.join()
            self._write()
            with self._access:
                self._database = None
                database.close()

    def add(self, used: CallerUsage) -> None:
        """See `Ledger.add`."""
        key = used.day, used.caller, used.model
        with self._lock:
            self._put(key, (used.requests, used.prompt_tokens, used.completion_tokens))
            self._today = {key: n for key, n in self._today.items() if key[0] >= used.day}
            day = used.day, used.caller
            self._today[day] = self._today.get(day, 0) + used.prompt_tokens + used.completion_tokens

    def tokens(self, day: str, caller: str) -> int:
        """See `Ledger.tokens`."""
        return self._today.get((day, caller), 0)

    async def since(self, day: str, caller: str | None) -> Sequence[CallerUsage]:
        """See `Ledger.since`."""
        try:
            return await asyncio.to_thread(self._read, day, caller)
        except sqlite3.Error as error:
            raise StoreFailure(f"usage: {error}") from None

    def _opened(self) -> sqlite3.Connection:
        if self._file:
            self._file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        database = sqlite3.connect(self._file or ":memory:", check_same_thread=False, timeout=5)
        try:
            (version,) = database.execute("PRAGMA user_version").fetchone()
            if version > VERSION:
                raise sqlite3.DatabaseError(f"a newer Jarvis wrote it (format {version}, not {VERSION})")
            database.execute("PRAGMA journal_mode = WAL")
            with database:
                database.execute(SCHEMA)
                database.execute(f"PRAGMA user_version = {VERSION}")
                oldest = (datetime.now(UTC) - timedelta(days=KEPT_DAYS)).date().isoformat()
                database.execute("DELETE FROM usage WHERE day < ?", (oldest,))
            today = datetime.now(UTC).date().isoformat()
            self._today = {(today, caller): tokens for caller, tokens in database.execute(SPENT, (today,))}
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _write_on(self, ended: threading.Event) -> None:
        while not ended.wait(WRITE_SECONDS):
            self._write()

    def _write(self) -> None:
        """Write what is pending; what cannot be written stays pending."""
        with self._lock:
            pending, self._pending = self._pending, {}
        if not pending:
            return
        try:
            with self._access:
                assert self._database  # noqa: S101 - it is open as long as this is called
                with self._database:
                    self._database.executemany(ADD, [(*key, *numbers) for key, numbers in pending.items()])
        except sqlite3.Error as error:
            logger.warning("usage is not written for now, and kept in memory: %s", error)
            with self._lock:
                for key, numbers in pending.items():
                    self._put(key, numbers)

    def _put(self, key: Key, numbers: Iterable[int]) -> None:
        """Add to what is pending; the lock is held."""
        kept = self._pending.get(key, (0, 0, 0))
        self._pending[key] = tuple(one + more for one, more in zip(kept, numbers, strict=True))

    def _read(self, day: str, caller: str | None) -> list[CallerUsage]:
        self._write()
        query = "SELECT * FROM usage WHERE day >= ? AND (caller = ? OR ?) ORDER BY day, caller, model"
        with self._access:
            if self._database is None:
                return []
            rows = self._database.execute(query, (day, caller or "", caller is None)).fetchall()
        return [CallerUsage(*row) for row in rows]
