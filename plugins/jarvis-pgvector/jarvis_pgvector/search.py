# ruff: noqa: S608 - the names of tables end in a number of the store's own; what callers sent is a parameter
"""Finds the nearest rows of a collection, and the rows that no search finds."""

from collections.abc import Sequence
from typing import Any

from jarvis_pgvector import schema
from jarvis_pgvector.filters import Parameters, condition
from jarvis_pgvector.rows import COLUMNS, escape, to_row, unescape
from jarvis_pgvector.schema import MEASURES, Collection
from jarvis_ports.embedding import Matrix
from jarvis_ports.filters import Filter
from jarvis_ports.store import Match

MOST_EXAMINED = 1000
"""The largest ef_search that pgvector takes."""
CHECKED = 10
"""The number of hits among which `unreachable` looks for a row."""


async def query(
    connection: Any,  # noqa: ANN401 - asyncpg is not typed
    collection: Collection,
    vector: Matrix,
    top_k: int,
    filter_: Filter | None,
) -> list[Match]:
    """Find the nearest rows, with the index if there are many, and by comparing all if that finds too few."""
    if collection.indexed and await _many(connection, collection, filter_):
        found = await _by_index(connection, collection, vector, top_k, filter_)
        if len(found) == top_k:
            return found
    return await _nearest(connection, collection, f"({collection.distance}) + 0", vector, top_k, filter_)


async def unreachable(connection: Any, collection: Collection, ids: Sequence[str]) -> list[str]:  # noqa: ANN401
    """Return the ids of those rows that the index does not find by their own vectors.

    A hit that is just as near counts as the row: among rows with equal vectors, only the first ones are hits.
    """
    operator = MEASURES[collection.spec.index.space].operator
    near = (
        f"SELECT id, embedding {operator} one.embedding AS distance FROM {collection.table} "
        f"ORDER BY embedding {operator} one.embedding LIMIT {CHECKED}"
    )
    found = f"near.id = one.id OR near.distance <= one.embedding {operator} one.embedding"
    async with connection.transaction():
        await _tune(connection, collection, CHECKED)
        lost = await connection.fetch(
            f"SELECT id FROM {collection.table} AS one WHERE id = ANY($1::text[]) "
            f"AND NOT EXISTS (SELECT FROM ({near}) AS near WHERE {found})",
            [escape(id_) for id_ in ids],
        )
    return [unescape(one["id"]) for one in lost]


async def _many(connection: Any, collection: Collection, filter_: Filter | None) -> bool:  # noqa: ANN401
    """Return whether more than `EXACT_BELOW` rows pass a filter."""
    if filter_ is None or collection.rows <= schema.EXACT_BELOW:
        return collection.rows > schema.EXACT_BELOW
    parameters = Parameters()
    where = condition(filter_, parameters)
    some = f"SELECT FROM {collection.table} WHERE {where} LIMIT {schema.EXACT_BELOW + 1}"
    passing: int = await connection.fetchval(f"SELECT count(*) FROM ({some}) AS passing", *parameters)
    return passing > schema.EXACT_BELOW


async def _by_index(
    connection: Any,  # noqa: ANN401
    collection: Collection,
    vector: Matrix,
    top_k: int,
    filter_: Filter | None,
) -> list[Match]:
    async with connection.transaction():
        await _tune(connection, collection, top_k)
        found = await _nearest(connection, collection, collection.distance, vector, top_k, filter_)
    return sorted(found, key=lambda match: -match.similarity)


async def _tune(connection: Any, collection: Collection, top_k: int) -> None:  # noqa: ANN401
    """Set, for this transaction, how many candidates are examined; more are where a filter drops them."""
    examined = min(max(collection.spec.index.ef_search, top_k), MOST_EXAMINED)
    await connection.execute(
        f"SET LOCAL hnsw.ef_search = {examined}; SET LOCAL hnsw.iterative_scan = relaxed_order; "
        "SET LOCAL enable_sort = off"  # PostgreSQL takes most filters for far more selective than they are
    )


async def _nearest(  # noqa: PLR0913, PLR0917 - the parts of a question in SQL
    connection: Any,  # noqa: ANN401
    collection: Collection,
    order: str,
    vector: Matrix,
    top_k: int,
    filter_: Filter | None,
) -> list[Match]:
    """Find rows in an order; the index knows that of the distance alone, and not of a sum."""
    parameters = Parameters([vector])
    where = condition(filter_, parameters)
    found = await connection.fetch(
        f"SELECT {COLUMNS}, {collection.distance} AS distance FROM {collection.table} WHERE {where} "
        f"ORDER BY {order} LIMIT {top_k}",
        *parameters,
    )
    return [Match(to_row(one), collection.similarity(one["distance"])) for one in found]
