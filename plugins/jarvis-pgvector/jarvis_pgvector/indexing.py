"""Makes the index of a collection that has become large."""

from typing import Any

from jarvis_pgvector.schema import Collection, find, make_index
from jarvis_ports.errors import StoreUnavailable

LOCK = 0x6A617276
"""The first key of the lock on an index, held by what makes or prevents it; the second is the number."""


async def index(collection: Collection, connection: Any) -> None:  # noqa: ANN401 - asyncpg is not typed
    """Make a collection's index, or make it anew if a kill left it incomplete; meanwhile, others may write.

    The lock and the settings end when the connection goes back to the pool.

    Raises:
        StoreUnavailable: another server makes or rebuilds it.
    """
    if not await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", LOCK, collection.number):
        raise StoreUnavailable("another server makes its index, or rebuilds it")
    if (await find(connection, collection.spec.name)).indexed:
        return
    await connection.execute("SET statement_timeout = 0")
    await connection.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {collection.index}")
    await make_index(connection, collection, "CONCURRENTLY")


async def prevent(connection: Any, collection: Collection) -> None:  # noqa: ANN401
    """End what makes a collection's index, and let nothing begin to until the end of the transaction.

    Otherwise what waits to drop the table and an index, which waits for all older transactions, would wait
    for each other.
    """
    await connection.execute(
        "SELECT pg_cancel_backend(pid) FROM pg_stat_progress_create_index WHERE relid = $1::text::regclass",
        collection.table,
    )
    await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", LOCK, collection.number)
