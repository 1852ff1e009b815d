"""The `VectorStore` tests of concurrent calls, checks and rebuilds."""

import asyncio
from contextlib import aclosing
from dataclasses import replace
from typing import Any, ClassVar
from uuid import uuid4

import numpy as np
import pytest

from jarvis_plugins.registry import PortName
from jarvis_plugins.testkit.base import AdapterConformance
from jarvis_plugins.testkit.rows import DIMENSION, diagnose, exact, ids, run, sample, spec_of, vectors_of
from jarvis_ports.store import CollectionSpec, IndexSettings, Row, Space, VectorStore


@pytest.mark.asyncio(loop_scope="class")
class StoreCare(AdapterConformance):
    """A part of `StoreConformance`."""

    port = PortName.STORE
    writers: ClassVar[int] = 4
    """The number of callers that write, and of those that read, at the same time."""
    seconds: ClassVar[float] = 60.0
    """The most seconds that a read may take during a rebuild."""

    @pytest.fixture(scope="class")
    @classmethod
    def store(cls, opened: VectorStore) -> VectorStore:
        return opened

    @pytest.fixture
    def spec(self) -> CollectionSpec:
        """Return the settings of a collection that does not exist yet."""
        return spec_of(f"kit-{uuid4().hex}")

    async def filled(self, store: VectorStore, spec: CollectionSpec, rows: int) -> tuple[list[Row], Any]:
        """Make a collection with this many rows, and return them with their vectors."""
        await store.create(spec)
        made, vectors = sample(rows)
        await store.upsert(spec.name, made, vectors)
        return made, vectors

    async def use(self, adapter: VectorStore) -> None:
        spec = spec_of("kit-use")
        rows, vectors = await self.filled(adapter, spec, 3)
        await adapter.get(spec.name, [rows[0].id])
        await adapter.query(spec.name, vectors[0], 1)

    async def test_leaves_its_input_as_it_is(self, store: VectorStore, spec: CollectionSpec) -> None:
        await store.create(spec)
        rows, vectors = sample(30)
        query = vectors[3].copy()
        await store.upsert(spec.name, rows, vectors)
        await store.query(spec.name, query, 5)
        names = [row.id for row in rows[:10]]
        await store.get(spec.name, names)
        await store.delete(spec.name, names)
        assert (rows, names) == (sample(30)[0], [row.id for row in rows[:10]])
        assert (vectors == sample(30)[1]).all()
        assert (query == vectors[3]).all()

    async def test_what_was_written_is_not_changed_from_outside(
        self, store: VectorStore, spec: CollectionSpec
    ) -> None:
        rows, vectors = await self.filled(store, spec, 30)
        query, wanted = vectors[3].copy(), rows[3].id
        vectors[:] = -1
        rows.clear()
        found = await store.get(spec.name, [wanted], vectors=True)
        assert found.vectors is not None
        np.testing.assert_allclose(found.vectors, [query], rtol=1e-5)
        found.vectors[:] = -1
        assert ids(await store.query(spec.name, query, 1)) == [wanted]

    # Concurrent calls

    async def test_answers_while_it_writes(self, store: VectorStore, spec: CollectionSpec) -> None:
        rows, vectors = await self.filled(store, spec, 100)
        more = [replace(row, id=f"more {row.id}") for row in rows]
        writes = [
            asyncio.create_task(store.upsert(spec.name, more[i :: self.writers], vectors[i :: self.writers]))
            for i in range(self.writers)
        ]

        async def read() -> None:
            while not all(write.done() for write in writes):
                found = await store.query(spec.name, vectors[0], 5)
                assert found[0].similarity == pytest.approx(1, abs=1e-5)
                assert len({match.row.id for match in found}) == 5

        await asyncio.gather(*writes, *(read() for _ in range(self.writers)))
        assert await store.count(spec.name) == 200
        found = await store.query(spec.name, vectors[0], 2)
        assert set(ids(found)) == {rows[0].id, more[0].id}

    async def test_answers_while_it_deletes(self, store: VectorStore, spec: CollectionSpec) -> None:
        rows, vectors = await self.filled(store, spec, 100)
        deletion = asyncio.create_task(store.delete(spec.name, [row.id for row in rows[10:]]))
        while not deletion.done():
            assert ids(await store.query(spec.name, vectors[3], 1)) == [rows[3].id]
        await deletion
        assert sorted(ids(await store.query(spec.name, vectors[3], 100))) == sorted(
            row.id for row in rows[:10]
        )

    # Checks and rebuilds

    async def test_finds_nothing_wrong(self, store: VectorStore, spec: CollectionSpec) -> None:
        rows, vectors = await self.filled(store, spec, 250)
        same = [replace(rows[0], id=f"same {i}") for i in range(30)]
        await store.upsert(spec.name, same, np.repeat(vectors[:1], 30, axis=0))
        diagnosis = await diagnose(store, spec.name)
        assert diagnosis.ok
        assert diagnosis.rows == diagnosis.checked == 280
        assert set(diagnosis.counts.values()) == {280}

    async def test_rebuilds_with_another_index(self, store: VectorStore, spec: CollectionSpec) -> None:
        rows, vectors = await self.filled(store, spec, 250)
        new = replace(spec, index=IndexSettings(Space.L2, 16, 100, 50))
        steps = await run(store.rebuild(new))
        assert steps[-1].done == steps[-1].total == 250
        assert [step.done for step in steps] == sorted({step.done for step in steps})
        assert [one for one in await store.collections() if one.name == spec.name] == [new]
        found = await store.query(spec.name, vectors[7], 3)
        assert found[0].row == rows[7]
        assert found[1].similarity == pytest.approx(
            np.sort(exact(vectors, vectors[7], Space.L2))[-2], rel=1e-4
        )

    async def test_rebuilds_with_new_vectors(self, store: VectorStore, spec: CollectionSpec) -> None:
        rows, old = await self.filled(store, spec, 250)
        new = replace(spec, dimension=DIMENSION * 2, embedder="another", identity="2")
        place = {row.id: i for i, row in enumerate(rows)}
        vectors = vectors_of(250, dimension=new.dimension, seed=5)

        async def embed(page: Any) -> Any:  # noqa: ANN401
            assert ids(await store.query(spec.name, old[3], 1)) == [rows[3].id], "the old one answers"
            return vectors[[place[row.id] for row in page]]

        steps = await run(store.rebuild(new, embed))
        assert steps[-1].done == 250
        assert new in await store.collections()
        assert ids(await store.query(spec.name, vectors[3], 1)) == [rows[3].id]
        await store.upsert(spec.name, [Row("new", "new")], -vectors[:1])
        assert await store.count(spec.name) == 251

    async def test_writes_wait_for_a_rebuild(self, store: VectorStore, spec: CollectionSpec) -> None:
        rows, vectors = await self.filled(store, spec, 250)
        async with aclosing(store.rebuild(spec)) as steps:
            await anext(steps)
            write = asyncio.create_task(store.upsert(spec.name, [Row("late", "late")], -vectors[:1]))
            reading = asyncio.gather(store.health(), store.query(spec.name, vectors[3], 1))
            _, found = await asyncio.wait_for(reading, self.seconds)
            assert ids(found) == [rows[3].id], "the old one answers meanwhile"
            async for _ in steps:
                assert not (await store.get(spec.name, ["late"])).rows or write.done()
        await write
        assert ids(await store.query(spec.name, -vectors[0], 1)) == ["late"]
        assert await store.count(spec.name) == len(rows) + 1

    async def test_keeps_the_old_one_of_a_rebuild_that_is_cut_off(
        self, store: VectorStore, spec: CollectionSpec
    ) -> None:
        rows, vectors = await self.filled(store, spec, 250)
        new = replace(spec, index=IndexSettings(Space.L2))
        async with aclosing(store.rebuild(new)) as steps:
            await anext(steps)

        async def fail(_: Any) -> Any:  # noqa: ANN401
            raise KeyError("the model failed")

        with pytest.raises(KeyError):
            await run(store.rebuild(new, fail))
        assert [one for one in await store.collections() if one.name.startswith(spec.name)] == [spec]
        assert ids(await store.query(spec.name, vectors[3], 1)) == [rows[3].id]
        await store.delete(spec.name, [rows[3].id])
        assert await store.count(spec.name) == 249
