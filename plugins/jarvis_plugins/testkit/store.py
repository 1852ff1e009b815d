"""The tests that every adapter for the `VectorStore` port passes."""

from contextlib import aclosing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from jarvis_plugins.testkit.rows import (
    DIMENSION,
    FILTERS,
    METADATA,
    NAMES,
    diagnose,
    exact,
    ids,
    run,
    sample,
    scan,
    vectors_of,
)
from jarvis_plugins.testkit.store_kept import StoreKept
from jarvis_ports.errors import CollectionMismatch, CollectionNotFound
from jarvis_ports.filters import Equals, Filter, matches
from jarvis_ports.store import CollectionSpec, IndexSettings, Row, Space, VectorStore


@pytest.mark.asyncio(loop_scope="class")
class StoreConformance(StoreKept):
    """Subclass it, name the adapter, and run pytest. Each test makes a collection of its own."""

    async def test_is_healthy(self, store: VectorStore) -> None:
        assert (await store.health()).ok

    # Collections

    async def test_creates_once_and_lists_by_name(self, store: VectorStore, spec: CollectionSpec) -> None:
        second = replace(spec, name=f"{spec.name}-b", index=IndexSettings(Space.IP, 16, 100, 50))
        for one in (second, spec, second):
            await store.create(one)
        listed = [one for one in await store.collections() if one.name.startswith(spec.name)]
        assert listed == [spec, second]

    async def test_takes_every_name_of_the_contract(self, store: VectorStore, spec: CollectionSpec) -> None:
        named = [replace(spec, name=name) for name in NAMES]
        others = [replace(spec, name=name.swapcase()) for name in NAMES if name.swapcase() not in NAMES]
        for one in [*named, *others]:
            await store.create(one)
            assert await store.count(one.name) == 0, "names differ by case alone"
            await store.upsert(one.name, *sample(1))
        assert {*NAMES} <= {one.name for one in await store.collections()}
        for one in [*named, *others]:
            await store.create(one)
            assert await store.count(one.name) == 1
            await store.drop(one.name)
        assert not {*NAMES} & {one.name for one in await store.collections()}

    @pytest.mark.parametrize("name", ["a..b", "192.168.1.1"])
    async def test_rebuilds_whatever_the_name(
        self, store: VectorStore, spec: CollectionSpec, name: str
    ) -> None:
        spec = replace(spec, name=name)
        rows, vectors = await self.filled(store, spec, 5)
        await run(store.rebuild(replace(spec, index=IndexSettings(Space.L2))))
        assert ids(await store.query(name, vectors[2], 1)) == [rows[2].id]
        await store.drop(name)

    @pytest.mark.parametrize(
        ("change", "difference"),
        [
            ({"dimension": DIMENSION + 1}, f"dimension is {DIMENSION} and not {DIMENSION + 1}"),
            ({"embedder": "another"}, "embedder is kit and not another"),
            ({"identity": "2"}, "identity is 1 and not 2"),
            ({"index": IndexSettings(space=Space.L2)}, "space is cosine and not l2"),
            ({"index": IndexSettings(max_neighbors=8)}, "max_neighbors is 64 and not 8"),
            ({"index": IndexSettings(ef_construction=7, ef_search=9)}, "ef_construction is 400 and not 7"),
        ],
    )
    async def test_refuses_to_create_what_differs(
        self, store: VectorStore, spec: CollectionSpec, change: dict[str, Any], difference: str
    ) -> None:
        await store.create(spec)
        with pytest.raises(CollectionMismatch, match=difference):
            await store.create(replace(spec, **change))
        assert spec in await store.collections(), "it is as it was"

    async def test_changes_ef_search_in_place(self, store: VectorStore, spec: CollectionSpec) -> None:
        rows, vectors = await self.filled(store, spec, 20)
        changed = replace(spec, index=IndexSettings(ef_search=77))
        await store.create(changed)
        assert changed in await store.collections()
        assert ids(await store.query(spec.name, vectors[3], 1)) == [rows[3].id]

    async def test_drops(self, store: VectorStore, spec: CollectionSpec) -> None:
        rows, vectors = await self.filled(store, spec, 5)
        await store.drop(spec.name)
        assert spec not in await store.collections()
        with pytest.raises(CollectionNotFound):
            await store.query(spec.name, vectors[0], 1)
        await store.create(spec)
        assert await store.count(spec.name) == 0
        assert not (await store.get(spec.name, [rows[0].id])).rows

    @pytest.mark.parametrize(
        "call",
        [
            lambda store, spec: store.drop(spec.name),
            lambda store, spec: store.count(spec.name),
            lambda store, spec: store.upsert(spec.name, *sample(1)),
            lambda store, spec: store.upsert(spec.name, [], vectors_of(0)),
            lambda store, spec: store.delete(spec.name, ["a"]),
            lambda store, spec: store.delete(spec.name, []),
            lambda store, spec: store.get(spec.name, ["a"]),
            lambda store, spec: scan(store, spec.name),
            lambda store, spec: store.query(spec.name, vectors_of(1)[0], 1),
            lambda store, spec: diagnose(store, spec.name),
            lambda store, spec: run(store.rebuild(spec)),
        ],
    )
    async def test_knows_no_other_collection(
        self,
        store: VectorStore,
        spec: CollectionSpec,
        call: Any,  # noqa: ANN401
    ) -> None:
        with pytest.raises(CollectionNotFound, match=spec.name):
            await call(store, spec)
        assert spec.name not in [one.name for one in await store.collections()]

    # Rows

    async def test_keeps_rows_as_they_are(self, store: VectorStore, spec: CollectionSpec) -> None:
        await store.create(spec)
        texts = ["plain", "Grüße, 世界 🌍", "nul \0 and\nlines", "long " * 20_000, " "]
        names = ["a", "世界", "x" * 512, "a b/c'\"%\\", "\n"]
        metadata: list[dict[str, Any]] = [
            {},
            {"": "", "$and": "a\0b", "ключ": "значение", "_source": "x" * 2048, "a.b": " "},
            {"i": 2**63 - 1, "j": -(2**63), "k": 0, "f": 0.1 + 0.2, "g": 1.0, "h": 5e-324, "e": -1.7e308},
            {"t": True, "f": False, "one": 1, "text": "True"},
            {f"field {i}": i for i in range(64)},
        ]
        rows = [Row(*row) for row in zip(names, texts, metadata, strict=True)]
        await store.upsert(spec.name, rows, vectors_of(5))
        found = (await store.get(spec.name, names)).rows
        assert found == tuple(rows)
        assert [{k: type(v) for k, v in row.metadata.items()} for row in found] == [
            {k: type(v) for k, v in row.metadata.items()} for row in rows
        ]

    async def test_gets_in_the_order_asked_for(self, store: VectorStore, spec: CollectionSpec) -> None:
        rows, vectors = await self.filled(store, spec, 30)
        wanted = [rows[i].id for i in (7, 3, 29, 0)]
        found = await store.get(spec.name, ["none", wanted[0], "nil", *wanted[1:]], vectors=True)
        assert [row.id for row in found.rows] == wanted
        assert found.vectors is not None
        assert found.vectors.dtype == np.float32
        np.testing.assert_allclose(found.vectors, vectors[[7, 3, 29, 0]], rtol=1e-5)
        assert (await store.get(spec.name, wanted)).vectors is None
        nothing = await store.get(spec.name, [], vectors=True)
        assert not nothing.rows
        assert nothing.vectors is not None
        assert nothing.vectors.shape == (0, DIMENSION)

    async def test_replaces_rows(self, store: VectorStore, spec: CollectionSpec) -> None:
        rows, vectors = await self.filled(store, spec, 30)
        new = Row(rows[4].id, "new", {"only": "this"})
        await store.upsert(spec.name, [new, replace(rows[5], metadata={})], -vectors[4:6])
        assert await store.count(spec.name) == 30
        assert (await store.get(spec.name, [new.id, rows[5].id])).rows == (new, replace(rows[5], metadata={}))
        assert ids(await store.query(spec.name, -vectors[4], 1)) == [new.id]
        field, value = next(iter(rows[4].metadata.items()))
        assert new.id not in {row.id for row in (await scan(store, spec.name, Equals(field, value))).rows}

    async def test_deletes_rows(self, store: VectorStore, spec: CollectionSpec) -> None:
        rows, vectors = await self.filled(store, spec, 60)
        await store.delete(spec.name, [row.id for row in rows[:45]] + ["none"])
        await store.delete(spec.name, [])
        assert await store.count(spec.name) == 15
        assert not (await store.get(spec.name, [rows[0].id])).rows
        assert set(ids(await store.query(spec.name, vectors[0], 60))) == {row.id for row in rows[45:]}
        await store.upsert(spec.name, rows[:1], vectors[:1])
        assert ids(await store.query(spec.name, vectors[0], 1)) == [rows[0].id]

    async def test_scans_each_row_once(self, store: VectorStore, spec: CollectionSpec) -> None:
        rows, vectors = await self.filled(store, spec, 450)
        found = await scan(store, spec.name, vectors=True)
        order = {row.id: i for i, row in enumerate(rows)}
        assert sorted(found.rows, key=lambda row: order[row.id]) == rows
        assert found.vectors is not None
        np.testing.assert_allclose(found.vectors, vectors[[order[row.id] for row in found.rows]], rtol=1e-5)
        assert (await scan(store, spec.name)).vectors is None

    async def test_scans_what_stays_while_rows_go(self, store: VectorStore, spec: CollectionSpec) -> None:
        rows, _ = await self.filled(store, spec, 450)
        seen: list[str] = []
        async with aclosing(store.scan(spec.name)) as pages:
            async for page in pages:
                seen += [row.id for row in page.rows]
                await store.delete(spec.name, [row.id for row in rows[:20]])
        assert len(seen) == len(set(seen))
        assert {row.id for row in rows[20:]} <= set(seen)

    # Searching

    @pytest.mark.parametrize("space", Space)
    async def test_finds_the_nearest_first(
        self, store: VectorStore, spec: CollectionSpec, space: Space
    ) -> None:
        spec = replace(spec, index=IndexSettings(space))
        rows, vectors = await self.filled(store, spec, 100)
        for query in vectors_of(5, seed=9):
            found = await store.query(spec.name, query, 10)
            truth = exact(vectors, query, space)
            best = np.argsort(-truth)[:10]
            assert [match.row for match in found] == [rows[i] for i in best]
            np.testing.assert_allclose(
                [match.similarity for match in found], truth[best], rtol=1e-4, atol=1e-5
            )

    async def test_finds_all_where_top_k_is_more(self, store: VectorStore, spec: CollectionSpec) -> None:
        await store.create(spec)
        assert await store.query(spec.name, vectors_of(1)[0], 10) == []
        rows, vectors = sample(300)
        await store.upsert(spec.name, rows, vectors)
        found = await store.query(spec.name, vectors[0], 1000)
        assert sorted(ids(found)) == sorted(row.id for row in rows)
        similarities = [match.similarity for match in found]
        assert similarities == sorted(similarities, reverse=True)

    @pytest.mark.parametrize("filter_", FILTERS, ids=[str(filter_) for filter_ in FILTERS])
    async def test_filters(self, store: VectorStore, filtered: str, filter_: Filter) -> None:
        passing = {str(i) for i, metadata in enumerate(METADATA) if matches(filter_, metadata)}
        assert {row.id for row in (await scan(store, filtered, filter_)).rows} == passing
        found = await store.query(filtered, vectors_of(1)[0], len(METADATA), filter_)
        assert set(ids(found)) == passing
        few = await store.query(filtered, vectors_of(1)[0], 2, filter_)
        np.testing.assert_allclose(
            [match.similarity for match in few], [match.similarity for match in found[:2]], rtol=1e-5
        )

    @pytest_asyncio.fixture(loop_scope="class")
    async def filtered(self, store: VectorStore, spec: CollectionSpec) -> str:
        """Make a collection with a row for each entry of METADATA, whose id is its position there."""
        await store.create(spec)
        rows = [Row(str(i), "text", metadata) for i, metadata in enumerate(METADATA)]
        await store.upsert(spec.name, rows, vectors_of(len(rows)))
        return spec.name

    async def test_is_healthy_after_all_this(self, store: VectorStore) -> None:
        assert (await store.health()).ok
