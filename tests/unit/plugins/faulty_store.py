"""A plugin of stores that each break the port's contract in one way."""

from contextlib import asynccontextmanager
from dataclasses import replace

from pydantic import ConfigDict

from jarvis_adapters.memory_store import MemoryStoreSettings
from jarvis_adapters.memory_store.store import MemoryStore
from jarvis_plugins import hookimpl
from jarvis_ports.errors import CollectionMismatch
from jarvis_ports.filters import Not
from jarvis_ports.health import Health
from jarvis_ports.store import Row, Rows, Space, StoreCheck
from jarvis_toolkit.memory_index import MemoryIndex


class Fault(MemoryStore):
    settings = MemoryStoreSettings


class KeepsTheOldSettings(Fault):
    """Creates what is there without a look at how it differs."""

    async def create(self, spec):
        try:
            await super().create(spec)
        except CollectionMismatch:
            return


class Merges(Fault):
    """Keeps the metadata of a row that is replaced."""

    async def upsert(self, collection, rows, vectors):
        there = {row.id: row.metadata for row in (await self.get(collection, [row.id for row in rows])).rows}
        merged = [replace(row, metadata={**there.get(row.id, {}), **row.metadata}) for row in rows]
        await super().upsert(collection, merged, vectors)


class Shuffles(Fault):
    async def get(self, collection, ids, *, vectors=False):
        return await super().get(collection, sorted(ids), vectors=vectors)


class FarthestFirst(Fault):
    async def query(self, collection, vector, top_k, filter_=None):
        return (await super().query(collection, vector, top_k, filter_))[::-1]


class FiltersLate(Fault):
    """Chooses the nearest before it filters, and so finds too few."""

    async def query(self, collection, vector, top_k, filter_=None):
        passing = {row.id for page in self._find(collection).index.pages(filter_, 100) for row in page.rows}
        return [match for match in await super().query(collection, vector, top_k) if match.row.id in passing]


class NotMeansThere(Fault):
    """A row without the field passes no negation, as in SQL."""

    async def scan(self, collection, filter_=None, *, vectors=False):
        async for page in super().scan(collection, filter_, vectors=vectors):
            bare = isinstance(filter_, Not)
            yield Rows(tuple(row for row in page.rows if row.metadata or not bare), page.vectors)


class StringsOnly(Fault):
    async def upsert(self, collection, rows, vectors):
        rows = [Row(row.id, row.text, {k: str(v) for k, v in row.metadata.items()}) for row in rows]
        await super().upsert(collection, rows, vectors)


class CosineAlone(Fault):
    async def create(self, spec):
        await super().create(spec)
        self._find(spec.name).index = MemoryIndex(Space.COSINE, spec.dimension)


class ForgetsToDelete(Fault):
    async def delete(self, collection, ids):
        await super().delete(collection, ids[:20])


class MakesWhatIsMissing(Fault):
    async def delete(self, collection, ids):
        if ids:
            await super().delete(collection, ids)


class RebuildsInPlace(Fault):
    """The old collection is empty while the new one is built."""

    async def rebuild(self, spec, embed=None):
        there = self._find(spec.name)
        rows = there.index.get(
            [row.id for page in there.index.pages(None, 500) for row in page.rows], vectors=True
        )
        there.index.delete([row.id for row in rows.rows])
        there.index.upsert(rows.rows[:100], rows.vectors[:100])
        async for progress in super().rebuild(spec, embed):
            yield progress


class SeesGhosts(Fault):
    async def check(self, collection):
        async for step in super().check(collection):
            yield replace(step, unreachable=("ghost",)) if isinstance(step, StoreCheck) else step


class Sick(Fault):
    async def health(self):
        return Health(ok=False, message="sick")


class LaxSettings(MemoryStoreSettings):
    model_config = ConfigDict(extra="ignore")


class Lax(Fault):
    settings = LaxSettings


FAULTS = {fault.__name__: fault for fault in Fault.__subclasses__()}


@hookimpl
def jarvis_register_adapters(registry):
    for name, fault in FAULTS.items():

        @asynccontextmanager
        async def open_fault(settings, fault=fault):
            yield fault()

        registry.store(name, settings=fault.settings, factory=open_fault)
