# ruff: noqa: S608 - the names of tables end in a number that the index gave, never in a caller's text
"""Reads and writes the rows of one collection, inside a transaction that the caller has begun."""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from jarvis.core.retrieval.distinct import MOST_CANDIDATES
from jarvis.core.retrieval.text_index import DocumentRows, Ranked
from jarvis.core.text.fold import words
from jarvis.textindex.filters import Stored, restore, store
from jarvis.textindex.schema import Collection
from jarvis_ports.filters import Value
from jarvis_ports.store import Row

MORE = 4
"""The factor by which more rows are ranked than texts are wanted: the ranking of more takes hardly longer."""


def replace(
    connection: sqlite3.Connection, collection: Collection, upserts: Sequence[Row], deletes: Sequence[str]
) -> int:
    """Delete rows by id, insert or replace others, and take all off the journal; no id may come twice.

    Return how many rows that were there are gone or replaced.
    """
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
    return len(deleted)


def read(connection: sqlite3.Connection, number: int, ids: Sequence[str]) -> list[Row]:
    """Return the rows of at most 30,000 ids, in the order given; ids that are not there are left out."""
    found = connection.execute(
        f"SELECT key, id, coalesce(shown, text) FROM rows_{number} "
        f"CROSS JOIN words_{number} ON words_{number}.rowid = key WHERE id IN ({_marks(ids)})",
        ids,
    ).fetchall()
    there = {row.id: row for row in _with_fields(connection, number, found)}
    return [there[id_] for id_ in ids if id_ in there]


def ranked(  # noqa: PLR0913, PLR0917 - the parts of a question in SQL
    connection: sqlite3.Connection,
    number: int,
    queries: Sequence[str],
    where: str,
    values: Sequence[Stored],
    texts: int,
) -> list[Ranked]:
    """Return the rows of the best texts among those that FTS5 queries find, the best first.

    Args:
        connection: where the tables are.
        number: that of the collection.
        queries: one, or several that share no row.
        where: a condition on a row, as `condition` returns it.
        values: its parameters.
        texts: how many texts; copies of a text are of one score.
    """
    words = f"words_{number}"
    scored = f"SELECT rowid AS key, -rank AS score FROM {words} WHERE {words} MATCH ?"
    best = (
        f"SELECT key, id, score FROM ({' UNION ALL '.join([scored] * len(queries))}) "
        f"CROSS JOIN rows_{number} USING (key) WHERE {where} ORDER BY score DESC LIMIT ?"
    )
    shown = (
        f"SELECT key, id, coalesce(shown, text), score FROM ({best}) "
        f"CROSS JOIN {words} ON {words}.rowid = key ORDER BY score DESC"
    )
    most = texts
    while True:
        most *= MORE
        found = connection.execute(shown, (*queries, *values, most)).fetchall()
        scores: dict[str, float] = {}
        for _, _, text, score in found:
            scores.setdefault(text, score)
        taken = dict(islice(scores.items(), texts))
        complete = len(found) < most or found[-1][-1] < min(taken.values())  # otherwise copies may follow
        if complete or most >= MOST_CANDIDATES:
            break
    found = [one for one in found if one[2] in taken]
    rows = _with_fields(connection, number, [one[:3] for one in found])
    return [Ranked(row, score) for row, (*_, score) in zip(rows, found, strict=True)]


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


def _with_fields(
    connection: sqlite3.Connection, number: int, found: Sequence[tuple[int, str, str]]
) -> list[Row]:
    """Return rows of which the key, the id and the text are known."""
    keys = [key for key, _, _ in found]
    fields: defaultdict[int, dict[str, Value]] = defaultdict(dict)
    for key, field, value in connection.execute(
        f"SELECT key, field, value FROM fields_{number} WHERE key IN ({_marks(keys)})", keys
    ).fetchall():
        fields[key][field] = restore(value)
    return [Row(id_, text, fields[key]) for key, id_, text in found]


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _key(connection: sqlite3.Connection, number: int, id_: str) -> int | None:
    found = connection.execute(f"SELECT key FROM rows_{number} WHERE id = ?", (id_,)).fetchone()
    return found[0] if found else None
