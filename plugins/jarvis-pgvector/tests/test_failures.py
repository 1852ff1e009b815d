"""What can befall PostgreSQL, and what several servers do to each other."""

import asyncio
import signal
from contextlib import AsyncExitStack, aclosing
from dataclasses import replace

import asyncpg
import numpy as np
import pytest

from jarvis_pgvector import database, open_pgvector, schema
from jarvis_pgvector.settings import PgvectorSettings
from jarvis_ports.errors import StoreUnavailable, StoreUnusable
from jarvis_ports.store import IndexSettings, Row, Space, StoreCheck

ROWS = [Row(f"r{i}", f"text {i}", {"i": i}) for i in range(300)]
VECTORS = np.random.default_rng(0).standard_normal((300, 8), dtype=np.float32)


@pytest.fixture(autouse=True)
def _revived(postgres):
    yield
    if not postgres.process.is_running():
        postgres.start()


async def until_health(store, *, ok):
    async with asyncio.timeout(30):
        while (health := await store.health()).ok is not ok:
            await asyncio.sleep(0.05)
    return health.message


async def tables(postgres):
    connection = await asyncpg.connect(postgres.url())
    try:
        return await connection.fetchval("SELECT count(*) FROM pg_tables WHERE schemaname = 'jarvis'")
    finally:
        await connection.close()


async def test_what_was_acknowledged_survives_a_kill_of_postgres_and_the_store_finds_it_again(
    postgres, opened, spec
):
    async with opened() as store:
        await store.create(spec)
        acknowledged = 0

        async def write():
            nonlocal acknowledged
            while True:
                await store.upsert(spec.name, ROWS[acknowledged : acknowledged + 5], VECTORS[:5])
                acknowledged += 5

        writing = asyncio.create_task(write())
        while acknowledged < 50:
            await asyncio.sleep(0.01)
        postgres.kill()
        with pytest.raises(StoreUnavailable, match="does not answer"):
            await writing
        assert "does not answer" in await until_health(store, ok=False)
        with pytest.raises(StoreUnavailable):
            await store.count(spec.name)
        postgres.start()
        await until_health(store, ok=True)
        kept = await store.get(spec.name, [row.id for row in ROWS[:acknowledged]])
        assert list(kept.rows) == ROWS[:acknowledged]
        await store.upsert(spec.name, ROWS, VECTORS)
        assert await store.count(spec.name) == 300
        assert (await store.query(spec.name, VECTORS[7], 1))[0].row == ROWS[7]


async def test_a_rebuild_that_a_kill_of_postgres_ends_leaves_nothing(postgres, opened, spec):
    async with opened() as store:
        await store.create(spec)
        await store.upsert(spec.name, ROWS, VECTORS)
        before = await tables(postgres)
        async with aclosing(store.rebuild(replace(spec, index=IndexSettings(Space.L2, 8, 40)))) as steps:
            await anext(steps)
            postgres.kill()
            with pytest.raises(StoreUnavailable):
                await anext(steps)
        postgres.start()
        await until_health(store, ok=True)
        assert spec in await store.collections()
        assert await store.count(spec.name) == 300
        assert await tables(postgres) == before


async def test_a_postgres_that_hangs_is_unavailable_and_holds_nobody_up_for_long(
    postgres, opened, spec, monkeypatch
):
    monkeypatch.setattr(database, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr(database, "GRACE_SECONDS", 0.5)
    async with opened(timeout_seconds=1) as store:
        await store.create(spec)
        hung = postgres.processes()
        for process in hung:
            process.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(15):
                with pytest.raises(StoreUnavailable, match="in time"):
                    await store.count(spec.name)
                for _ in range(3):
                    with pytest.raises(StoreUnavailable, match="in time"):
                        await store.count(spec.name)
                await until_health(store, ok=False)
        finally:
            for process in hung:
                process.send_signal(signal.SIGCONT)
        await until_health(store, ok=True)
        assert await store.count(spec.name) == 0


async def test_a_store_closes_while_postgres_hangs(postgres, opened):
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(opened())
        await store.collections()
        hung = postgres.processes()
        for process in hung:
            process.send_signal(signal.SIGSTOP)
        try:
            async with asyncio.timeout(15):
                await stack.aclose()
        finally:
            for process in hung:
                process.send_signal(signal.SIGCONT)


async def test_a_statement_that_takes_too_long_is_ended(postgres, opened, spec):
    blocker = await asyncpg.connect(postgres.url())
    async with opened(timeout_seconds=1) as store:
        await store.create(spec)
        number = await blocker.fetchval("SELECT number FROM jarvis.collections WHERE name = $1", spec.name)
        async with blocker.transaction():
            await blocker.execute(f"LOCK TABLE jarvis.rows_{number}")
            with pytest.raises(StoreUnavailable, match="timeout_seconds"):
                await store.count(spec.name)
        assert await store.count(spec.name) == 0
    await blocker.close()


async def test_two_stores_see_what_the_other_does(opened, spec):
    async with opened() as one, opened() as other:
        await asyncio.gather(one.create(spec), other.create(spec))
        await other.upsert(spec.name, ROWS, VECTORS)
        assert await one.count(spec.name) == 300
        new = replace(spec, index=IndexSettings(Space.L2, 8, 40))
        async with aclosing(other.rebuild(new)) as steps:
            await anext(steps)
            assert (await one.query(spec.name, VECTORS[3], 1))[0].row == ROWS[3]
            late = asyncio.create_task(one.upsert(spec.name, [Row("late", "late")], VECTORS[:1]))
            async for _ in steps:
                pass
        await late
        assert await one.collections() == await other.collections()
        assert await one.count(spec.name) == await other.count(spec.name) == 301
        *_, diagnosis = [step async for step in one.check(spec.name)]
        assert isinstance(diagnosis, StoreCheck)
        assert diagnosis.ok
        await one.drop(spec.name)
        assert spec.name not in [there.name for there in await other.collections()]


async def test_a_rebuild_elsewhere_holds_a_writer_up_no_longer_than_the_timeout(opened, spec):
    async with opened() as one, opened(timeout_seconds=1) as other:
        await one.create(spec)
        await one.upsert(spec.name, ROWS, VECTORS)
        async with aclosing(one.rebuild(spec)) as steps:
            await anext(steps)
            with pytest.raises(StoreUnavailable, match="is being rebuilt"):
                await other.upsert(spec.name, ROWS, VECTORS)
            assert await other.count(spec.name) == 300


async def test_many_who_write_and_delete_the_same_rows_do_not_fail(opened, spec):
    async with opened() as one, opened() as other:
        await one.create(spec)
        ids = [row.id for row in ROWS[:50]]
        await asyncio.gather(
            *(store.upsert(spec.name, ROWS[:50], VECTORS[:50]) for store in (one, other) * 5),
            *(store.upsert(spec.name, ROWS[49::-1], VECTORS[49::-1]) for store in (one, other) * 5),
            *(store.delete(spec.name, ids[::step]) for store in (one, other) for step in (1, -1)),
        )
        await one.upsert(spec.name, ROWS[:50], VECTORS[:50])
        assert await other.count(spec.name) == 50


@pytest.mark.parametrize(
    "url", ["postgresql://nobody@127.0.0.1:1/none", "postgresql:///none?host=/no/such/folder&user=x"]
)
async def test_no_postgres_is_said_at_the_start(url):
    with pytest.raises(StoreUnusable, match=r"PostgreSQL cannot be used: .*correct store.settings.url"):
        async with open_pgvector(PgvectorSettings(url=url)):
            pass


async def test_tables_of_another_format_are_refused(postgres):
    connection = await asyncpg.connect(postgres.url())
    await connection.execute("CREATE DATABASE newer")
    await connection.close()
    settings = PgvectorSettings(url=postgres.url("newer"))
    async with open_pgvector(settings):
        pass
    connection = await asyncpg.connect(postgres.url("newer"))
    await connection.execute("UPDATE jarvis.format SET version = 2")
    await connection.close()
    with pytest.raises(StoreUnusable, match="the format 2, and this version of Jarvis reads 1"):
        async with open_pgvector(settings):
            pass


async def test_a_database_without_utf8_is_refused(postgres):
    connection = await asyncpg.connect(postgres.url())
    await connection.execute("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    await connection.close()
    with pytest.raises(StoreUnusable, match="encoding LATIN1"):
        async with open_pgvector(PgvectorSettings(url=postgres.url("latin"))):
            pass


async def test_an_old_pgvector_is_refused(opened, monkeypatch):
    monkeypatch.setattr(schema, "OLDEST", (99, 0))
    with pytest.raises(StoreUnusable, match="ALTER EXTENSION vector UPDATE"):
        async with opened():
            pass


def test_a_password_is_not_shown():
    settings = PgvectorSettings(url="postgresql://me:secret@host/name")
    assert "secret" not in repr(settings) + settings.model_dump_json()


def test_what_is_no_url_of_postgres_is_refused():
    with pytest.raises(ValueError, match="begins with postgresql://"):
        PgvectorSettings(url="host=localhost")
