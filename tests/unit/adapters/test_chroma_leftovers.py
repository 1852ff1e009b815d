"""What is deleted is gone from the disk as well, where Chroma leaves the files of its index."""

import shutil

import numpy as np

from jarvis_adapters.chroma import open_chroma
from jarvis_adapters.chroma.settings import ChromaSettings
from jarvis_ports.store import CollectionSpec, Row

ROWS = 1050
"""Chroma writes an index to the disk every 1,000 rows."""


async def fill(store, name):
    await store.create(CollectionSpec(name, 8, "model", "1"))
    rows = [Row(str(number), f"text {number}") for number in range(ROWS)]
    await store.upsert(name, rows, np.random.default_rng(0).standard_normal((ROWS, 8), np.float32))


def indices(folder):
    return {file.parent for file in folder.glob("*/header.bin")}


async def test_the_index_of_a_collection_goes_with_it_and_others_stay(tmp_path):
    async with open_chroma(ChromaSettings(path=str(tmp_path))) as store:
        await fill(store, "kept")
        kept = indices(tmp_path)
        await fill(store, "deleted")
        assert len(indices(tmp_path)) == 2
        await store.drop("deleted")
        assert indices(tmp_path) == kept
        assert len(await store.query("kept", np.ones(8, np.float32), 3)) == 3


async def test_a_rebuild_leaves_one_index(tmp_path):
    async with open_chroma(ChromaSettings(path=str(tmp_path), in_memory_below=0)) as store:
        await fill(store, "papers")
        (old,) = indices(tmp_path)
        async for _ in store.rebuild(CollectionSpec("papers", 8, "model", "1"), None):
            pass
        (new,) = indices(tmp_path)
        assert new != old
        assert len(await store.query("papers", np.ones(8, np.float32), 3)) == 3


async def test_what_an_earlier_version_left_goes_at_the_start(tmp_path):
    async with open_chroma(ChromaSettings(path=str(tmp_path))) as store:
        await fill(store, "papers")
    (kept,) = indices(tmp_path)
    shutil.copytree(kept, tmp_path / "7f9a4c9e-0d3c-4b57-9c2e-6f1f4f1f0c11")
    shutil.copytree(kept, tmp_path / "a folder of somebody else")
    async with open_chroma(ChromaSettings(path=str(tmp_path))) as store:
        assert indices(tmp_path) == {kept, tmp_path / "a folder of somebody else"}
        assert await store.count("papers") == ROWS
