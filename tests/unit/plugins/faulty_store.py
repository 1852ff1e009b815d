"""A plugin of stores that each break the port's contract in one way."""

import asyncio
import pickle
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread

import numpy as np
from pydantic import ConfigDict

from jarvis_adapters.memory_store import MemoryStoreSettings
from jarvis_adapters.memory_store.store import Collection, MemoryStore
from jarvis_plugins import hookimpl
from jarvis_ports.errors import CollectionMismatch
from jarvis_ports.filters import Not
from jarvis_ports.health import Health
from jarvis_ports.store import IndexSettings, Row, Rows, Space, StoreCheck
from jarvis_toolkit.memory_index import MemoryIndex


class Fault(MemoryStore):
    settings = MemoryStoreSettings

    def close(self):
        pass


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


class SlowHealth(Fault):
    async def health(self):
        await asyncio.sleep(8)
        return await super().health()


class NormalisesItsInput(Fault):
    async def upsert(self, collection, rows, vectors):
        await super().upsert(collection, rows, vectors.copy())
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)


class NormalisesTheQuery(Fault):
    async def query(self, collection, vector, top_k, filter_=None):
        found = await super().query(collection, vector.copy(), top_k, filter_)
        vector /= np.linalg.norm(vector)
        return found


class TakesIdsAway(Fault):
    async def delete(self, collection, ids):
        await super().delete(collection, list(ids))
        if ids:
            ids.pop()


class KeepsTheCallersVectors(Fault):
    """Searches in the matrix that it was given, which the caller may change."""

    async def query(self, collection, vector, top_k, filter_=None):
        kept, index = self.kept, self._find(collection).index
        index.upsert(index.get([row.id for row in kept[0]]).rows, kept[1])
        return await super().query(collection, vector, top_k, filter_)

    async def upsert(self, collection, rows, vectors):
        await super().upsert(collection, rows, vectors)
        self.kept = [*rows], vectors


class Blocks(Fault):
    async def query(self, collection, vector, top_k, filter_=None):
        time.sleep(0.01)  # noqa: ASYNC251 - the fault
        return self._find(collection).index.query(vector, top_k, filter_)


class LocksItsReaders(Fault):
    """Lets those who read wait for a rebuild."""

    async def query(self, collection, vector, top_k, filter_=None):
        async with self._find(collection).writing:
            return await super().query(collection, vector, top_k, filter_)


class ThreadPerQuery(Fault):
    async def query(self, collection, vector, top_k, filter_=None):
        Thread(target=Event().wait, daemon=True).start()
        return await super().query(collection, vector, top_k, filter_)


class Durable(Fault):
    """Without a fault: a folder beside this file has each collection, after each write."""

    def __init__(self):
        super().__init__()
        self.saving = asyncio.Lock()
        self.folder = Path(__file__).with_name(type(self).__name__)
        self.folder.mkdir(exist_ok=True)
        for file in self.folder.iterdir():
            spec, rows = pickle.loads(file.read_bytes())  # noqa: S301 - its own
            self._collections[spec.name] = Collection(spec, MemoryIndex(spec.index.space, spec.dimension))
            self._find(spec.name).index.upsert(rows.rows, rows.vectors)

    async def save(self, name):
        async with self.saving:
            await asyncio.to_thread(self.write, name)

    def write(self, name):
        one = self._find(name)
        ids = [row.id for page in one.index.pages(None, 1000) for row in page.rows]
        (self.folder / name).write_bytes(pickle.dumps((one.spec, one.index.get(ids, vectors=True))))

    async def create(self, spec):
        await super().create(spec)
        await self.save(spec.name)

    async def drop(self, collection):
        await super().drop(collection)
        (self.folder / collection).unlink(missing_ok=True)

    async def upsert(self, collection, rows, vectors):
        await super().upsert(collection, rows, vectors)
        await self.save(collection)

    async def delete(self, collection, ids):
        await super().delete(collection, ids)
        await self.save(collection)

    async def rebuild(self, spec, embed=None):
        async for progress in super().rebuild(spec, embed):
            yield progress
        await self.save(spec.name)


class ForgetsAll(Durable):
    async def save(self, name):
        pass


class SavesWhenClosed(ForgetsAll):
    """Loses in a kill what it has acknowledged."""

    def close(self):
        for name in self._collections:
            self.write(name)


class SavesSoon(Durable):
    """Acknowledges what it is about to write."""

    async def save(self, name):
        asyncio.get_running_loop().call_later(0.5, self.write, name)


class DeletesInMemory(Durable):
    async def delete(self, collection, ids):
        await Fault.delete(self, collection, ids)


class DropsInMemory(Durable):
    async def drop(self, collection):
        await Fault.drop(self, collection)


class ForgetsSettings(Durable):
    def __init__(self):
        super().__init__()
        for one in self._collections.values():
            one.spec = replace(one.spec, index=IndexSettings())


class RoundsVectors(Durable):
    """Keeps half of the bits."""

    def __init__(self):
        super().__init__()
        for one in self._collections.values():
            rows = [row for page in one.index.pages(None, 1000) for row in page.rows]
            vectors = one.index.get([row.id for row in rows], vectors=True).vectors
            one.index.upsert(rows, vectors.astype(np.float16).astype(np.float32))


class LaxSettings(MemoryStoreSettings):
    model_config = ConfigDict(extra="ignore")


class Lax(Fault):
    settings = LaxSettings


LOSE = [*Durable.__subclasses__(), SavesWhenClosed]
FAULTS = {fault.__name__: fault for fault in [*Fault.__subclasses__(), *LOSE]}


@hookimpl
def jarvis_register_adapters(registry):
    for name, fault in FAULTS.items():

        @asynccontextmanager
        async def open_fault(settings, fault=fault):
            opened = fault()
            yield opened
            opened.close()

        registry.store(name, settings=fault.settings, factory=open_fault)
