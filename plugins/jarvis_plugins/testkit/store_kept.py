"""The `VectorStore` tests of what is there when the store is opened again, as it was closed or killed."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
import pytest

from jarvis_plugins.registry import Adapter
from jarvis_plugins.testkit.killed import write_and_kill
from jarvis_plugins.testkit.rows import diagnose, ids, sample, spec_of
from jarvis_plugins.testkit.store_care import StoreCare
from jarvis_ports.errors import CollectionNotFound
from jarvis_ports.store import IndexSettings, Row, VectorStore

KEPT = replace(spec_of("kit-kept"), index=IndexSettings(ef_search=77))
DROPPED = spec_of("kit-dropped")
REPLACED = Row("row 3", "new", {"only": "this"})


async def write(store: VectorStore) -> None:
    """Make a collection of 20 rows, of which one was replaced, and which ten others have left."""
    for spec in (KEPT, DROPPED):
        with suppress(CollectionNotFound):
            await store.drop(spec.name)
    rows, vectors = sample(30)
    await store.create(replace(KEPT, index=IndexSettings()))
    await store.create(DROPPED)
    for name in (KEPT.name, DROPPED.name):
        await store.upsert(name, rows, vectors)
    await store.upsert(KEPT.name, [REPLACED], vectors[3:4])
    await store.create(KEPT)
    await store.drop(DROPPED.name)
    await store.delete(KEPT.name, [row.id for row in rows[20:]])


async def check(store: VectorStore) -> None:
    """Check that all that `write` wrote is there, and nothing that it deleted."""
    rows, vectors = sample(20)
    rows[3] = REPLACED
    listed = await store.collections()
    assert KEPT in listed
    assert DROPPED.name not in {spec.name for spec in listed}
    assert await store.count(KEPT.name) == 20
    found = await store.get(KEPT.name, [row.id for row in sample(30)[0]], vectors=True)
    assert found.rows == tuple(rows)
    assert found.vectors is not None
    np.testing.assert_allclose(found.vectors, vectors, rtol=1e-5)
    assert ids(await store.query(KEPT.name, vectors[7], 1)) == [rows[7].id]
    assert (await diagnose(store, KEPT.name)).ok


class StoreKept(StoreCare):
    """A part of `StoreConformance`."""

    durable: ClassVar[bool] = True
    """Whether rows outlive the process, as the port has it; see `own_settings` too."""

    async def test_is_as_it_was_when_it_is_opened_again(
        self, registered: Adapter[Any], own_settings: dict[str, Any]
    ) -> None:
        self.need_durable()
        settings = registered.settings.model_validate(own_settings)
        async with registered.factory(settings) as store:
            await write(store)
        async with registered.factory(settings) as store:
            await check(store)

    async def test_what_was_acknowledged_survives_a_kill(
        self, registered: Adapter[Any], own_settings: dict[str, Any]
    ) -> None:
        self.need_durable()
        await asyncio.to_thread(write_and_kill, self.port, self.adapter, own_settings, write)
        async with registered.factory(registered.settings.model_validate(own_settings)) as store:
            await check(store)

    def need_durable(self) -> None:
        """Skip the test if the store keeps nothing."""
        if not self.durable:
            pytest.skip(f"{self.adapter} is not durable, as its test says")
