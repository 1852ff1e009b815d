# ruff: noqa: S608 - the names of tables end in a number of the store's own; what callers sent is a parameter
"""Reads and writes the rows of a collection's table."""

from collections.abc import Iterable
from typing import Any

from jarvis_pgvector.filters import Parameters, condition
from jarvis_pgvector.rows import COLUMNS, escape, to_record, to_rows
from jarvis_pgvector.schema import Collection
from jarvis_ports.embedding import Matrix
from jarvis_ports.filters import Filter
from jarvis_ports.store import Row, Rows

PAGE = 200
"""The number of rows read at a time."""


async def write(connection: Any, collection: Collection, rows: Iterable[Row], vectors: Matrix) -> None:  # noqa: ANN401
    """Insert or replace rows, in the order of their ids, so that two writers do not wait for each other."""
    await connection.executemany(
        f"INSERT INTO {collection.table} ({COLUMNS}, embedding) VALUES ($1, $2, $3, $4) ON CONFLICT (id) "
        "DO UPDATE SET text = excluded.text, metadata = excluded.metadata, embedding = excluded.embedding",
        sorted(map(to_record, rows, vectors), key=lambda record: record[0]),
    )


async def page(
    connection: Any,  # noqa: ANN401
    collection: Collection,
    after: str,
    filter_: Filter | None = None,
    *,
    vectors: bool,
) -> Rows:
    """Read the first rows whose ids come after one, "" for all."""
    parameters = Parameters([escape(after)])
    where = condition(filter_, parameters)
    columns = f"{COLUMNS}, embedding" if vectors else COLUMNS
    found = await connection.fetch(
        f"SELECT {columns} FROM {collection.table} WHERE id > $1 AND {where} ORDER BY id LIMIT {PAGE}",
        *parameters,
    )
    return to_rows(found, collection.spec, vectors=vectors)
