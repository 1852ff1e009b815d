# ruff: noqa: S608 - the names of tables end in a number that the index gave, never in a caller's text
"""Reads and writes the rows of one collection, inside a transaction that the caller has begun."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from jarvis.core.retrieval.text_index import DocumentRows
from jarvis.core.text.fold import words
from jarvis.textindex.filters import restore, store
from jarvis.textindex.schema import Collection
from jarvis_ports.filters import Value
from jarvis_ports.store import Row


def replace(
    connection: sqlite3.Connection, collection: Collection, upserts: Sequence[Row], deletes: Sequence[str]
) -> None:
    """Delete rows by id, insert or replace others, and take all off the journal; no id may come twice."""
    number = collection.number
    ids = {row.id for row in upserts} | set(deletes)
    deleted = [key for id_ in ids if (key := _key(connection, number, id_)) is not None]
    for table, column in (("words", "rowid"), ("fields", "key"), ("rows", "key")):
        sql = f"DELETE FROM {table}_{number} WHERE {column} = ?"
        connection.executemany(sql, [(key,) for key in deleted])
    first = connection.execute(f"SELECT coalesce(max(key), 0) + 1 FROM rows_{number}").fetchone()[0]
    keyed = list(enumerate(upserts, first))
    connection.executemany(
        f"INSERT INTO rows_{number} (key, id, document) VALUES (?, ?, ?)",
        [(key, row.id, row.metadata.get("_document")) for key, row in keyed],
    )
    connection.executemany(
        f"INSERT INTO words_{number} (rowid, text, shown) VALUES (?, ?, ?)",
        [(key, found := words(row.text), None if found == row.text else row.text) for key, row in keyed],
    )
    connection.executemany(
        f"INSERT INTO fields_{number} (key, field, value) VALUES (?, ?, ?)",
        [(key, field, store(value)) for key, row in keyed for field, value in row.metadata.items()],
    )
    connection.execute(
        "UPDATE collections SET rows = rows + ? WHERE number = ?", (len(upserts) - len(deleted), number)
    )
    connection.executemany(
        "DELETE FROM pending WHERE collection = ? AND id = ?", [(number, id_) for id_ in ids]
    )


def read(connection: sqlite3.Connection, number: int, ids: Sequence[str]) -> list[Row]:
    """Return the rows of at most 30,000 ids, in the order given; ids that are not there are left out."""
    marks = ", ".join("?" * len(ids))
    rows = f"SELECT key FROM rows_{number} WHERE id IN ({marks})"
    fields: defaultdict[int, dict[str, Value]] = defaultdict(dict)
    for key, field, value in connection.execute(
        f"SELECT key, field, value FROM fields_{number} WHERE key IN ({rows})", ids
    ).fetchall():
        fields[key][field] = restore(value)
    found = connection.execute(
        f"SELECT id, coalesce(shown, text), key FROM rows_{number} "
        f"CROSS JOIN words_{number} ON words_{number}.rowid = key WHERE id IN ({marks})",
        ids,
    ).fetchall()
    there = {id_: Row(id_, text, fields[key]) for id_, text, key in found}
    return [there[id_] for id_ in ids if id_ in there]


def documents(connection: sqlite3.Connection, number: int, first: str, last: str) -> Iterator[DocumentRows]:
    """Yield the documents whose ids are in [first, last], by id."""
    found = connection.execute(
        f"SELECT document, id, field, value FROM rows_{number} JOIN fields_{number} USING (key) "
        "WHERE document BETWEEN ? AND ? AND field IN ('_source', '_hash', '_chunks', '_ordinal') "
        "ORDER BY document, id",
        (first, last),
    )
    for document, rows in groupby(found, itemgetter(0)):
        yield _document(document, rows)


def _document(document: str, found: Iterable[tuple[str, str, str, Any]]) -> DocumentRows:
    rows = {
        id_: {field: value for _, _, field, value in fields} for id_, fields in groupby(found, itemgetter(1))
    }
    ids = sorted(rows, key=lambda id_: rows[id_]["_ordinal"])
    hashes = {fields["_hash"] for fields in rows.values()}
    first = rows[ids[0]]
    hash_, chunks = (first["_hash"], first["_chunks"]) if len(hashes) == 1 else ("", 0)
    return DocumentRows(document, first["_source"], hash_, chunks, tuple(ids))


def _key(connection: sqlite3.Connection, number: int, id_: str) -> int | None:
    found = connection.execute(f"SELECT key FROM rows_{number} WHERE id = ?", (id_,)).fetchone()
    return found[0] if found else None
