# ruff: noqa: S608 - the names of tables end in a number of the store's own; what callers sent is a parameter
"""The `VectorStore` port on PostgreSQL."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any

from jarvis_pgvector.database import Database
from jarvis_pgvector.indexing import index, prevent
from jarvis_pgvector.rebuild import rebuild
from jarvis_pgvector.rows import COLUMNS, escape, to_rows, unescape
from jarvis_pgvector.schema import ALONE, SHARED, Collection, find, make, read, record
from jarvis_pgvector.search import query, unreachable
from jarvis_pgvector.table import page, write
from jarvis_ports.embedding import Matrix
from jarvis_ports.errors import CollectionMismatch, JarvisError
from jarvis_ports.filters import Filter
from jarvis_ports.health import Health
from jarvis_ports.store import CollectionSpec, Match, Progress, Row, Rows, StoreCheck
from jarvis_toolkit.stores import Embed, differences

logger = logging.getLogger(__name__)

CHUNK = 50
"""The number of rows written in one transaction; an index may take tens of milliseconds for one of them."""
INDEX_AGAIN_SECONDS = 60.0
"""How long an index that could not be made is not tried again."""


class PgvectorStore:
    """See `jarvis_ports.store.VectorStore`. Any number of servers may share the database.

    Nothing is kept here: each call asks PostgreSQL for the collection first, as another server may have
    changed it. The first search of a collection that has become large has its index made, and until that is
    complete, searches compare all rows: rows that are loaded before there is an index are loaded faster.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._indexing: dict[int, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Stop making indexes."""
        tasks = list(self._indexing.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def create(self, spec: CollectionSpec) -> None:
        """See `jarvis_ports.store.VectorStore.create`."""

        async def work(connection: Any) -> None:  # noqa: ANN401 - asyncpg is not typed
            number = await connection.fetchval(
                "INSERT INTO jarvis.collections VALUES ($1, nextval('jarvis.numbers'), $2) "
                "ON CONFLICT DO NOTHING RETURNING number",
                spec.name,
                record(spec),
            )
            if number is not None:
                await make(connection, Collection(number, spec))
                return
            found = differences((await find(connection, spec.name)).spec, spec)
            if found.keys() - {"ef_search"}:
                raise CollectionMismatch(spec.name, list(found.values()))
            if found:
                sql = "UPDATE jarvis.collections SET spec = $1 WHERE name = $2"
                await connection.execute(sql, record(spec), spec.name)

        await self._database.transact(work)

    async def collections(self) -> list[CollectionSpec]:
        """See `jarvis_ports.store.VectorStore.collections`."""
        listed = await self._database.run(
            lambda connection: connection.fetch("SELECT spec FROM jarvis.collections ORDER BY name")
        )
        return [read(one["spec"]) for one in listed]

    async def drop(self, collection: str) -> None:
        """See `jarvis_ports.store.VectorStore.drop`."""

        async def work(connection: Any) -> None:  # noqa: ANN401
            there = await find(connection, collection, ALONE)
            await prevent(connection, there)
            await connection.execute("DELETE FROM jarvis.collections WHERE number = $1", there.number)
            await connection.execute(f"DROP TABLE {there.table}")

        await self._database.transact(work)

    async def count(self, collection: str) -> int:
        """See `jarvis_ports.store.VectorStore.count`."""

        async def work(connection: Any) -> int:  # noqa: ANN401
            there = await find(connection, collection)
            return int(await connection.fetchval(f"SELECT count(*) FROM {there.table}"))

        return await self._database.run(work)

    async def upsert(self, collection: str, rows: Sequence[Row], vectors: Matrix) -> None:
        """See `jarvis_ports.store.VectorStore.upsert`."""

        async def work(start: int, connection: Any) -> None:  # noqa: ANN401
            there = await find(connection, collection, SHARED)
            await write(connection, there, rows[start : start + CHUNK], vectors[start : start + CHUNK])

        for start in range(0, max(len(rows), 1), CHUNK):
            await self._database.transact(partial(work, start))

    async def delete(self, collection: str, ids: Sequence[str]) -> None:
        """See `jarvis_ports.store.VectorStore.delete`."""
        wanted = [escape(id_) for id_ in ids]

        async def work(connection: Any) -> None:  # noqa: ANN401
            there = await find(connection, collection, SHARED)
            await connection.execute(f"DELETE FROM {there.table} WHERE id = ANY($1::text[])", wanted)

        await self._database.transact(work)

    async def get(self, collection: str, ids: Sequence[str], *, vectors: bool = False) -> Rows:
        """See `jarvis_ports.store.VectorStore.get`."""
        columns = f"{COLUMNS}, embedding" if vectors else COLUMNS

        async def work(connection: Any) -> Rows:  # noqa: ANN401
            there = await find(connection, collection)
            found = await connection.fetch(
                f"SELECT {columns} FROM {there.table} WHERE id = ANY($1::text[])",
                [escape(id_) for id_ in ids],
            )
            by_id = {unescape(one["id"]): one for one in found}
            return to_rows([by_id[id_] for id_ in ids if id_ in by_id], there.spec, vectors=vectors)

        return await self._database.run(work)

    async def scan(
        self, collection: str, filter_: Filter | None = None, *, vectors: bool = False
    ) -> AsyncGenerator[Rows, None]:
        """See `jarvis_ports.store.VectorStore.scan`."""
        last = ""  # no row's id is empty

        async def work(connection: Any) -> Rows:  # noqa: ANN401
            return await page(connection, await find(connection, collection), last, filter_, vectors=vectors)

        while (found := await self._database.run(work)).rows:
            yield found
            last = found.rows[-1].id

    async def query(
        self, collection: str, vector: Matrix, top_k: int, filter_: Filter | None = None
    ) -> list[Match]:
        """See `jarvis_ports.store.VectorStore.query`."""

        async def work(connection: Any) -> list[Match]:  # noqa: ANN401
            there = await find(connection, collection)
            if not there.indexed and there.number not in self._indexing and there.wants_index(there.rows):
                self._indexing[there.number] = asyncio.create_task(self._index(there))
            return await query(connection, there, vector, top_k, filter_)

        return await self._database.run(work)

    async def check(self, collection: str) -> AsyncGenerator[Progress | StoreCheck, None]:
        """See `jarvis_ports.store.VectorStore.check`; without an index, every search finds every row."""
        total = await self.count(collection)
        checked, lost = 0, list[str]()

        async def work(connection: Any) -> list[str]:  # noqa: ANN401
            there = await find(connection, collection)
            return await unreachable(connection, there, ids) if there.indexed else []

        async with aclosing(self.scan(collection)) as pages:
            async for found in pages:
                ids = [row.id for row in found.rows]
                lost += await self._database.run(work)
                checked += len(ids)
                yield Progress(checked, max(checked, total))
        count = await self.count(collection)
        yield StoreCheck(count, checked, tuple(lost), {"store": count})

    async def rebuild(
        self, spec: CollectionSpec, embed: Embed | None = None
    ) -> AsyncGenerator[Progress, None]:
        """See `jarvis_ports.store.VectorStore.rebuild`."""
        async with aclosing(rebuild(self._database, spec, embed)) as steps:
            async for progress in steps:
                yield progress

    async def health(self) -> Health:
        """See `jarvis_ports.store.VectorStore.health`."""
        return self._database.health()

    async def _index(self, collection: Collection) -> None:
        """Make a collection's index while others write to it, unless another server does so."""
        try:
            await self._database.run(partial(index, collection))
        except JarvisError as error:
            logger.warning("the collection %r is searched without an index: %s", collection.spec.name, error)
            await asyncio.sleep(INDEX_AGAIN_SECONDS)
        finally:
            del self._indexing[collection.number]
