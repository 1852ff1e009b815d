# ruff: noqa: S608 - the names of tables end in a number that the index gave, never in a caller's text
"""The text index: a SQLite file that mirrors the texts and the metadata of all rows of the vector store."""

import asyncio
import sqlite3
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

from jarvis.core.retrieval.text_index import DocumentRows, Ranked
from jarvis.textindex import rows, schema
from jarvis.textindex.common import CommonTerms
from jarvis.textindex.connections import Connections
from jarvis.textindex.filters import condition
from jarvis.textindex.terms import Searched, match_queries
from jarvis_ports.filters import Filter
from jarvis_ports.store import Row
from jarvis_toolkit.folders import locked

T = TypeVar("T")

PAGE_IDS = 2000
"""The number of ids in one page of `ids`."""
PAGE_DOCUMENTS = 200
"""The number of documents in one page of `documents`."""


class SQLiteTextIndex:
    """The core's `TextIndex` in a SQLite file; a damaged file is replaced by an empty one.

    All methods raise StoreFailure if SQLite fails, as on a full disk; nothing of a failed write remains.
    """

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._common: defaultdict[str, CommonTerms] = defaultdict(CommonTerms)  # for the event loop alone

    @classmethod
    @asynccontextmanager
    async def open(cls, folder: Path | None) -> AsyncIterator["SQLiteTextIndex"]:
        """Open the index in a folder, which is made if it does not exist; None means in memory.

        A damaged file is moved aside, and a new one is begun.

        Raises:
            StoreUnusable: another process uses the folder, or it cannot be written.
        """
        with ExitStack() as stack:
            if folder:
                stack.enter_context(locked(folder))
            file = folder / "text.sqlite3" if folder else None
            writer = await asyncio.to_thread(schema.open_file, file)
            connections = Connections(file, writer)
            try:
                yield cls(connections)
            finally:
                await connections.close()

    async def begin(self, collection: str, ids: Sequence[str]) -> None:
        """Note in the journal that these rows are about to change in the store, durably once this returns."""

        def work(connection: sqlite3.Connection) -> None:
            number = schema.make(connection, collection).number
            noted = [(number, id_) for id_ in ids]
            connection.executemany("INSERT OR IGNORE INTO pending VALUES (?, ?)", noted)

        await self._connections.write(work)

    async def commit(self, collection: str, upserts: Sequence[Row], deletes: Sequence[str]) -> None:
        """Mirror a change of the store and take its ids off the journal, in one durable transaction.

        Args:
            collection: its name.
            upserts: rows as the store has them now; no id twice.
            deletes: ids of rows that the store does not have; those that are not here either are ignored.
        """
        common = self._common[collection]

        def work(connection: sqlite3.Connection) -> None:
            at = schema.make(connection, collection)
            common.delete(rows.replace(connection, at, upserts, deletes))

        await self._connections.write(work)

    async def pending(self, collection: str) -> list[str]:
        """Return the ids whose change was begun but not committed."""
        sql = "SELECT id FROM pending WHERE collection = ?"
        return await self._read(collection, [], lambda c, at: _column(c, sql, [at.number]))

    async def collections(self) -> list[str]:
        """Return the names of the collections in which something was begun or committed, in order."""
        return await self._connections.read(
            lambda c: _column(c, "SELECT name FROM collections ORDER BY name", [])
        )

    async def count(self, collection: str) -> int:
        """Count the rows."""
        return await self._read(collection, 0, lambda _, at: at.rows)

    async def ids(self, collection: str) -> AsyncGenerator[list[str], None]:
        """Yield the ids of all rows, ordered by their UTF-8 bytes, page by page.

        A row that is written or deleted meanwhile may come or not; every other row comes once.
        """

        def work(connection: sqlite3.Connection, at: schema.Collection) -> list[str]:
            sql = f"SELECT id FROM rows_{at.number} WHERE id > ? ORDER BY id LIMIT ?"
            return _column(connection, sql, [last, PAGE_IDS])

        last = ""  # no row's id is empty
        while page := await self._read(collection, list[str](), work):
            yield page
            last = page[-1]

    async def rows(self, collection: str, ids: Sequence[str]) -> list[Row]:
        """Return rows by id, in the order of `ids`; ids that are not there are left out."""
        return await self._read(collection, [], lambda c, at: rows.read(c, at.number, ids))

    async def filtered(self, collection: str, filter_: Filter | None) -> list[str]:
        """Return the ids of the rows that pass a filter."""

        def work(connection: sqlite3.Connection, at: schema.Collection) -> list[str]:
            where, values = condition(filter_, at.number)
            return _column(connection, f"SELECT id FROM rows_{at.number} WHERE {where} ORDER BY key", values)

        return await self._read(collection, [], work)

    async def search(
        self, collection: str, text: str, top_k: int, filter_: Filter | None = None
    ) -> list[Ranked]:
        """Return the rows of the `top_k` texts whose words match a question best, the best first.

        The question is natural language in any characters; `jarvis.textindex.terms` says which words count.
        """
        common = self._common[collection]
        deleted = common.deleted

        def work(connection: sqlite3.Connection, at: schema.Collection) -> list[Ranked]:
            searched = Searched(f"words_{at.number}", at.rows, common, deleted)
            where, values = condition(filter_, at.number)
            found: list[Ranked] = []
            tried: tuple[str, ...] = ()
            for least in (top_k, at.rows):  # all, where copies or the filter leave too few of the first
                queries = match_queries(connection, searched, text, least)
                if queries == tried:
                    break
                found = rows.ranked(connection, at.number, queries, where, values, top_k)
                if len({one.row.text for one in found}) == top_k:
                    break
                tried = queries
            return found

        return await self._read(collection, [], work)

    async def document(self, collection: str, document: str) -> DocumentRows | None:
        """Return the rows of a document, or None if it has none."""
        return await self._read(
            collection, None, lambda c, at: next(rows.documents(c, at.number, document, document), None)
        )

    async def documents(self, collection: str) -> AsyncGenerator[list[DocumentRows], None]:
        """Yield all documents by id, page by page; those that change meanwhile are treated as in `ids`."""

        def work(connection: sqlite3.Connection, at: schema.Collection) -> list[DocumentRows]:
            named = f"SELECT DISTINCT document FROM rows_{at.number} WHERE document > ? ORDER BY 1 LIMIT ?"
            names = _column(connection, named, [last, PAGE_DOCUMENTS])
            return list(rows.documents(connection, at.number, names[0], names[-1])) if names else []

        last = ""  # no document's id is empty
        while page := await self._read(collection, list[DocumentRows](), work):
            yield page
            last = page[-1].document

    async def hashed(self, collection: str, beginning: str, most: int) -> list[DocumentRows]:
        """Return up to `most` documents, by id, with rows whose `_hash` starts with `beginning`."""

        def work(connection: sqlite3.Connection, at: schema.Collection) -> list[DocumentRows]:
            sql = (
                f"SELECT DISTINCT document FROM fields_{at.number} JOIN rows_{at.number} USING (key) "
                "WHERE field = '_hash' AND value >= ? AND value < ? AND document IS NOT NULL "
                "ORDER BY document LIMIT ?"
            )
            names = _column(connection, sql, [beginning, f"{beginning}\U0010ffff", most])
            return [one for name in names for one in rows.documents(connection, at.number, name, name)]

        return await self._read(collection, [], work)

    async def drop(self, collection: str) -> None:
        """Delete a collection with all that is in it, including its part of the journal."""
        common = self._common[collection]

        def work(connection: sqlite3.Connection) -> None:
            common.delete(schema.drop(connection, collection))

        await self._connections.write(work)

    async def _read(
        self, collection: str, empty: T, work: Callable[[sqlite3.Connection, schema.Collection], T]
    ) -> T:
        def found(connection: sqlite3.Connection) -> T:
            at = schema.find(connection, collection)
            return work(connection, at) if at else empty

        return await self._connections.read(found)


def _column(connection: sqlite3.Connection, sql: str, values: Sequence[object]) -> list[str]:
    return [value for (value,) in connection.execute(sql, tuple(values))]
