"""Connections to PostgreSQL, and what its errors mean."""

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg
import numpy as np
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_fixed

from jarvis_pgvector.schema import prepare
from jarvis_pgvector.settings import PgvectorSettings
from jarvis_pgvector.watch import Watch
from jarvis_ports.embedding import Matrix
from jarvis_ports.errors import StoreFailure, StoreUnavailable, StoreUnusable
from jarvis_ports.health import Health

PROBE_SECONDS = 2.0
GRACE_SECONDS = 2.0
"""How much longer than PostgreSQL, which ends a statement itself, this waits for one."""
RETRY_SECONDS = 0.05

AGAIN = (asyncpg.UndefinedTableError, asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
"""Another caller has just replaced the collection, rebuilds it, or writes the same rows."""
SILENT = (
    *(TimeoutError, OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError),
    *(asyncpg.OperatorInterventionError, asyncpg.TooManyConnectionsError, asyncpg.InternalClientError),
)
"""PostgreSQL does not answer, or not in time.

The last is what asyncpg raises where PostgreSQL goes between two statements.
"""

# Plans are made for the values at hand: one for any values would not know how few rows are wanted. To compile
# a query takes longer than most queries do.
SESSION = {"application_name": "jarvis", "plan_cache_mode": "force_custom_plan", "jit": "off"}

T = TypeVar("T")


class InTheWay(StoreUnavailable):
    """Another server was in the way, and may be out of it soon."""


class Database:
    """Runs work on connections of a pool, in the terms of the port's errors."""

    def __init__(self, pool: Any, url: str, seconds: float) -> None:  # noqa: ANN401 - asyncpg is not typed
        self._pool = pool
        self._url = url
        self._seconds = seconds
        self._watch = Watch(self._probe)

    async def run(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Run work on a connection, and run it again where another server was in the way.

        Raises:
            StoreUnavailable: PostgreSQL does not answer in time, or a rebuild takes longer than that.
            StoreFailure: PostgreSQL refuses, as where its disk is full.
        """
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(InTheWay),
            stop=stop_after_delay(self._seconds),
            wait=wait_fixed(RETRY_SECONDS),
            reraise=True,
        ):
            with attempt:
                async with self._connection() as connection:
                    return await work(connection)
        raise AssertionError  # the loop returns or raises

    async def transact(self, work: Callable[[Any], Awaitable[T]]) -> T:
        """Run work in one transaction, which is durable once this returns; see `run`."""

        async def transaction(connection: Any) -> T:  # noqa: ANN401
            async with connection.transaction():
                return await work(connection)

        return await self.run(transaction)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        """Hold a connection in a transaction, which is durable once the block is left; see `run`."""
        async with self._connection() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        await self._watch.check()
        try:
            async with self._pool.acquire(timeout=self._seconds) as connection:
                yield connection
        except AGAIN as error:
            msg = f"the collection is being rebuilt, or written by others ({describe(error)}); try again"
            raise InTheWay(msg) from error
        except SILENT as error:
            failure = silence(error)
            if not isinstance(error, asyncpg.QueryCanceledError):  # which is an answer
                self._watch.failed(failure)
            raise failure from error
        except asyncpg.PostgresError as error:
            msg = f"PostgreSQL failed: {describe(error)}"
            raise StoreFailure(msg) from error

    def health(self) -> Health:
        """Return at once whether PostgreSQL answered when it was last asked."""
        return self._watch.health()

    async def close(self) -> None:
        """Close the connections; those that do not end in time are cut."""
        await self._watch.close()
        try:
            await asyncio.wait_for(self._pool.close(), PROBE_SECONDS)
        except TimeoutError:
            self._pool.terminate()

    async def _probe(self) -> None:
        """Connect anew, as all connections of the pool may be at work."""
        try:
            async with asyncio.timeout(PROBE_SECONDS):
                connection = await asyncpg.connect(self._url)
                try:
                    await connection.fetchval("SELECT 1")
                finally:
                    connection.terminate()
        except (*SILENT, asyncpg.PostgresError) as error:
            raise silence(error) from error


@asynccontextmanager
async def opened(settings: PgvectorSettings) -> AsyncIterator[Database]:
    """Connect, and make what is not there yet.

    Raises:
        StoreUnusable: PostgreSQL does not answer, lacks pgvector, or holds what a newer Jarvis wrote.
    """
    url, seconds = settings.url.get_secret_value(), settings.timeout_seconds
    session = {**SESSION, "statement_timeout": str(round(seconds * 1000))}
    limits = {"timeout": seconds, "command_timeout": seconds + GRACE_SECONDS, "server_settings": session}
    try:
        connection = await asyncpg.connect(url, **limits)
        try:
            namespace = await prepare(connection)
        finally:
            connection.terminate()

        async def register(connection: Any) -> None:  # noqa: ANN401
            await connection.set_type_codec(
                "vector", schema=namespace, encoder=to_binary, decoder=from_binary, format="binary"
            )

        pool = await asyncpg.create_pool(
            url, min_size=0, max_size=settings.connections, init=register, **limits
        )
    except (*SILENT, ValueError, asyncpg.PostgresError) as error:
        msg = f"PostgreSQL cannot be used: {describe(error)}; correct store.settings.url, or the database"
        raise StoreUnusable(msg) from error
    database = Database(pool, url, seconds)
    try:
        yield database
    finally:
        await database.close()


def to_binary(vector: Matrix) -> bytes:
    """Return a vector as pgvector reads it: its dimension and a 0, of 16 bits, and its floats."""
    return struct.pack(">HH", len(vector), 0) + vector.astype(">f4").tobytes()


def from_binary(data: bytes) -> Matrix:
    """Return the vector that pgvector wrote."""
    return np.frombuffer(data, ">f4", offset=4).astype(np.float32)


def silence(error: Exception) -> StoreUnavailable:
    """Return the error to raise where PostgreSQL does not answer."""
    if isinstance(error, TimeoutError | asyncpg.QueryCanceledError):
        return StoreUnavailable("PostgreSQL does not answer in time (store.settings.timeout_seconds)")
    return StoreUnavailable(f"PostgreSQL does not answer: {describe(error)}")


def describe(error: BaseException) -> str:
    """Return what went wrong, in one line."""
    return " ".join(str(error).split())[:500] or type(error).__name__
