"""Defines the tables of the text index, and opens its file.

Each collection has three tables of its own, so that BM25 weighs words by that collection alone and dropping
it is quick: `words_N` (FTS5) holds the texts, folded, and as they are shown if that differs; `rows_N` holds
their ids, and `fields_N` the metadata, one row per field.
"""

import logging
import sqlite3
from pathlib import Path
from typing import NamedTuple

from jarvis.textindex.connections import connect, damaged
from jarvis_ports.errors import StoreUnusable

logger = logging.getLogger(__name__)

VERSION = 2
"""The version of the tables; a file of another version is not read."""

_TABLES = f"""
BEGIN IMMEDIATE;
CREATE TABLE collections (number INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, rows INTEGER NOT NULL);
CREATE TABLE pending (collection INTEGER, id TEXT, PRIMARY KEY (collection, id)) WITHOUT ROWID;
PRAGMA user_version = {VERSION};
COMMIT;
"""

# Porter's stemmer finds more than unicode61 alone: MRR@10 .339, not .323 (20,000 docstrings, 600 queries).
_TOKENIZER = "porter unicode61 remove_diacritics 2"
_COLLECTION = (
    "CREATE TABLE rows_{0} (key INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, document TEXT)",
    "CREATE INDEX documents_{0} ON rows_{0} (document) WHERE document IS NOT NULL",
    "CREATE TABLE fields_{0} (key INTEGER, field TEXT, value BLOB, PRIMARY KEY (key, field)) WITHOUT ROWID",
    "CREATE INDEX hashes_{0} ON fields_{0} (value) WHERE field = '_hash'",
    f"CREATE VIRTUAL TABLE words_{{0}} USING fts5(text, shown UNINDEXED, tokenize = '{_TOKENIZER}')",
)


class Collection(NamedTuple):
    """A collection's number, after which its tables are named, and the number of its rows."""

    number: int
    rows: int


class _Unfit(sqlite3.DatabaseError):
    """The file holds no sound index of this version."""

    sqlite_errorcode = sqlite3.SQLITE_CORRUPT


def open_file(file: Path | None) -> sqlite3.Connection:
    """Open and check the file; if it is damaged, move it aside and make a new, empty one.

    This blocks while the whole file is read.

    Raises:
        StoreUnusable: it cannot be written, or this Python's SQLite has no FTS5.
    """
    try:
        try:
            return _open(file)
        except sqlite3.DatabaseError as error:
            if not file or not damaged(error):
                raise
            aside = _move_aside(file)
            logger.warning("%s: %s; moved to %s, a new one is filled from the store", file, error, aside)
            return _open(file)
    except (sqlite3.Error, OSError) as error:
        msg = f"text index {file or 'in memory'} cannot be opened: {error}"
        raise StoreUnusable(msg) from error


def find(connection: sqlite3.Connection, name: str) -> Collection | None:
    """Return a collection, or None if it has no tables."""
    found = connection.execute("SELECT number, rows FROM collections WHERE name = ?", (name,)).fetchone()
    return Collection(*found) if found else None


def make(connection: sqlite3.Connection, name: str) -> Collection:
    """Return a collection, after making its tables if it has none."""
    if found := find(connection, name):
        return found
    made = connection.execute("INSERT INTO collections (name, rows) VALUES (?, 0) RETURNING number", (name,))
    collection = Collection(made.fetchone()[0], 0)
    for statement in _COLLECTION:
        connection.execute(statement.format(collection.number))
    return collection


def drop(connection: sqlite3.Connection, name: str) -> int:
    """Delete a collection's tables and its pending ids, if it has tables; return how many rows it had."""
    if not (found := find(connection, name)):
        return 0
    for table in ("words", "fields", "rows"):
        connection.execute(f"DROP TABLE {table}_{found.number}")
    connection.execute("DELETE FROM pending WHERE collection = ?", (found.number,))
    connection.execute("DELETE FROM collections WHERE number = ?", (found.number,))
    return found.rows


def _open(file: Path | None) -> sqlite3.Connection:
    connection = connect(file)
    try:
        _prepare(connection)
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE VIRTUAL TABLE temp.probe USING fts5(text)")
    connection.execute("DROP TABLE temp.probe")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        connection.executescript(_TABLES)
    elif version != VERSION:
        msg = f"it is of version {version}, not {VERSION}"
        raise _Unfit(msg)
    elif (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise _Unfit(found)


def _move_aside(file: Path) -> Path:
    aside = file.with_name(f"{file.name}.damaged")
    for end in ("", "-wal", "-shm"):
        part = file.with_name(f"{file.name}{end}")
        if part.exists():
            part.replace(f"{aside}{end}")
    return aside
