"""The tables: what there is for all collections, and the one of each collection.

All are in the PostgreSQL schema `jarvis`. A collection's table is named after its number, never after what a
caller sent; a rebuild gives it a new number.
"""

import json
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from jarvis_ports.errors import CollectionNotFound, StoreUnusable
from jarvis_ports.store import CollectionSpec, IndexSettings, Space

FORMAT = 1
"""The version of the tables. A database with another one is refused."""
OLDEST = (0, 8)
"""The first version of pgvector that goes on searching where a filter leaves too few rows."""
LOCK = 0x6A61727669
"""The advisory lock under which servers that start make the tables: one after another."""
EXACT_BELOW = 20_000
"""Up to so many rows, of the collection or of what a filter leaves of it, are all compared.

So many, of 384 components, took 26 ms to compare, and 5 ms with an index; but 2,900 a second were written
without it, and 80 with it (`python -m bench.retrieval.postgres`, on two busy cores).
"""
MOST_INDEXED = 2000
"""The most components of a vector that pgvector indexes."""
MOST_INLINE = 1400
"""The most components of a vector that is kept beside its row's id, in the page of 8 kB."""

WEEK = 7 * 24 * 3600.0

_TABLES = """
CREATE TABLE jarvis.format (version integer NOT NULL);
CREATE SEQUENCE jarvis.numbers AS integer;
CREATE TABLE jarvis.collections (
  name text COLLATE "C" PRIMARY KEY, number integer NOT NULL UNIQUE, spec json NOT NULL
);
INSERT INTO jarvis.format VALUES (1);
"""
# The number of rows as the statistics have it: it decides how to search, and need not be exact.
_FIND = """
SELECT number, spec, coalesce(greatest(reltuples::bigint, pg_stat_get_live_tuples(pg_class.oid)), 0) AS rows,
coalesce(indisvalid, false) AS indexed
FROM jarvis.collections LEFT JOIN pg_class ON pg_class.oid = to_regclass('jarvis.rows_' || number)
LEFT JOIN pg_index ON indexrelid = to_regclass('jarvis.nearest_' || number)
WHERE name = $1
"""
SHARED = "FOR SHARE OF collections NOWAIT"
"""The lock of a writer. It does not wait, as that would take a connection from readers."""
ALONE = "FOR UPDATE OF collections"
"""The lock of a rebuild or a deletion: it waits for the writers at work, and keeps others out."""


class Measure(NamedTuple):
    """How pgvector measures a distance: its operator, and its class of operators for an index."""

    operator: str
    classes: str


MEASURES = {
    Space.COSINE: Measure("<=>", "vector_cosine_ops"),
    Space.L2: Measure("<->", "vector_l2_ops"),
    Space.IP: Measure("<#>", "vector_ip_ops"),
}


@dataclass(frozen=True)
class Collection:
    """A collection: the number in its table's name, and its settings.

    `rows` is about how many it has, `indexed` whether its vectors have an index that is complete.
    """

    number: int
    spec: CollectionSpec
    rows: int = 0
    indexed: bool = False

    @property
    def table(self) -> str:
        """The name of its table, as SQL has it."""
        return f"jarvis.rows_{self.number}"

    @property
    def index(self) -> str:
        """The name of the index of its vectors, as SQL has it; it is made once there are many rows."""
        return f"jarvis.nearest_{self.number}"

    def wants_index(self, rows: int) -> bool:
        """Return whether so many rows are too many to compare them all, and an index is possible."""
        return rows > EXACT_BELOW and self.spec.dimension <= MOST_INDEXED

    @property
    def distance(self) -> str:
        """The distance of a row from the first parameter, as SQL has it."""
        return f"embedding {MEASURES[self.spec.index.space].operator} $1"

    def similarity(self, distance: float) -> float:
        """Return `Match.similarity` for a distance."""
        match self.spec.index.space:
            case Space.COSINE:
                return max(-1.0, min(1.0, 1 - distance))
            case Space.L2:
                return -(distance**2)
            case Space.IP:
                return -distance


async def prepare(connection: Any) -> str:  # noqa: ANN401 - asyncpg is not typed
    """Make the extension and the tables if they are not there; return the schema that has the type `vector`.

    Raises:
        StoreUnusable: pgvector is too old, the database has not UTF-8, or the tables are of another version.
    """
    async with connection.transaction():
        await connection.execute(f"SELECT pg_advisory_xact_lock({LOCK})")
        await connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
        version, namespace, encoding = await connection.fetchrow(
            "SELECT extversion, nspname, current_setting('server_encoding') "
            "FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'vector'"
        )
        if tuple(int(part) for part in version.split(".")[:2]) < OLDEST:
            msg = f"pgvector is {version}, and 0.8 or newer is needed: ALTER EXTENSION vector UPDATE"
            raise StoreUnusable(msg)
        if encoding != "UTF8":
            msg = f"the database has the encoding {encoding}; make another one with ENCODING 'UTF8'"
            raise StoreUnusable(msg)
        if await connection.fetchval("SELECT to_regclass('jarvis.format')") is None:
            if await connection.fetchval("SELECT to_regnamespace('jarvis')") is None:
                await connection.execute("CREATE SCHEMA jarvis")
            await connection.execute(_TABLES)
        elif (found := await connection.fetchval("SELECT version FROM jarvis.format")) != FORMAT:
            msg = f"the tables have the format {found}, and this version of Jarvis reads {FORMAT}; upgrade it"
            raise StoreUnusable(msg)
        return str(namespace)


async def find(connection: Any, name: str, lock: str = "") -> Collection:  # noqa: ANN401
    """Return a collection, with a lock on it if one is given.

    Raises:
        CollectionNotFound: there is none of that name.
    """
    if (found := await connection.fetchrow(_FIND + lock, name)) is None:
        raise CollectionNotFound(name)
    return Collection(found["number"], read(found["spec"]), found["rows"], found["indexed"])


async def make(connection: Any, collection: Collection) -> None:  # noqa: ANN401
    """Make a collection's table; its vectors get their index by `make_index`."""
    spec, table = collection.spec, collection.table
    await connection.execute(
        f'CREATE TABLE {table} (id text COLLATE "C" PRIMARY KEY, text text NOT NULL, '
        f"metadata jsonb NOT NULL, embedding vector({spec.dimension}) NOT NULL)"
    )
    await connection.execute(f"CREATE INDEX ON {table} USING gin (metadata jsonb_path_ops)")
    if spec.dimension <= MOST_INLINE:  # otherwise a search that compares all reads each from another place
        await connection.execute(f"ALTER TABLE {table} ALTER embedding SET STORAGE PLAIN")


async def make_index(connection: Any, collection: Collection, how: str = "") -> None:  # noqa: ANN401
    """Make the index of a collection's vectors, which may take hours; `how` may be CONCURRENTLY."""
    index = collection.spec.index
    neighbors = min(index.max_neighbors, 100)
    examined = min(max(index.ef_construction, 2 * neighbors, 4), 1000)
    name = collection.index.removeprefix("jarvis.")  # an index is where its table is
    await connection.execute(
        f"CREATE INDEX {how} {name} ON {collection.table} USING hnsw "
        f"(embedding {MEASURES[index.space].classes}) WITH (m = {neighbors}, ef_construction = {examined})",
        timeout=WEEK,
    )


def record(spec: CollectionSpec) -> str:
    """Return a collection's settings as JSON."""
    return json.dumps(asdict(spec))


def read(recorded: str) -> CollectionSpec:
    """Return the settings that `record` wrote."""
    fields = json.loads(recorded)
    index = fields.pop("index")
    space = Space(index.pop("space"))
    return CollectionSpec(**fields, index=IndexSettings(space, **index))
