"""Rebuilds a collection beside the old one."""

from collections.abc import AsyncGenerator

from jarvis_pgvector.database import Database
from jarvis_pgvector.indexing import prevent
from jarvis_pgvector.schema import ALONE, Collection, find, make, make_index, record
from jarvis_pgvector.table import page, write
from jarvis_ports.store import CollectionSpec, Progress
from jarvis_toolkit.stores import Embed, new_vectors


async def rebuild(
    database: Database, spec: CollectionSpec, embed: Embed | None
) -> AsyncGenerator[Progress, None]:
    """See `jarvis_ports.store.VectorStore.rebuild`.

    It is one transaction, so that nothing of it is left if it is cut off; the lock on the collection keeps
    the writers of all servers out, and lets readers in.
    """
    async with database.transaction() as connection:
        # The model may take its time between two statements.
        await connection.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        old = await find(connection, spec.name, ALONE)
        await prevent(connection, old)
        total = await connection.fetchval(f"SELECT count(*) FROM {old.table}")  # noqa: S608 - a number of its own
        new = Collection(await connection.fetchval("SELECT nextval('jarvis.numbers')"), spec)
        await make(connection, new)
        done, last = 0, ""
        while (found := await page(connection, old, last, vectors=embed is None)).rows:
            await write(connection, new, found.rows, await new_vectors(spec, found, embed))
            done, last = done + len(found.rows), found.rows[-1].id
            if done < total:
                yield Progress(done, total)
        if new.wants_index(total):
            await connection.execute("SET LOCAL statement_timeout = 0")
            await make_index(connection, new)
        await connection.execute(
            "UPDATE jarvis.collections SET number = $1, spec = $2 WHERE number = $3",
            new.number,
            record(spec),
            old.number,
        )
        await connection.execute(f"DROP TABLE {old.table}")
    yield Progress(total, total)
