"""Damage of Chroma's files is told when they are opened, and never answered with too few rows."""

import os
import shutil

import numpy as np
import pytest

from jarvis_adapters.chroma import open_chroma
from jarvis_adapters.chroma.damage import check
from jarvis_adapters.chroma.settings import ChromaSettings
from jarvis_ports.errors import StoreFailure, StoreUnavailable, StoreUnusable
from jarvis_ports.store import CollectionSpec, Row


@pytest.fixture(scope="module")
async def whole(tmp_path_factory):
    """A store with an index on the disk, which Chroma writes every 1,000 rows, and two without."""
    folder = tmp_path_factory.mktemp("chroma")
    async with open_chroma(ChromaSettings(path=str(folder))) as store:
        for name in ("papers", "empty", "few"):
            await store.create(CollectionSpec(name, 8, "model", "1"))
        for name, number in (("papers", 1050), ("few", 10)):
            rows = [Row(str(i), f"text {i}") for i in range(number)]
            await store.upsert(name, rows, np.random.default_rng(0).standard_normal((number, 8), np.float32))
            await store.query(name, np.ones(8, np.float32), 3)
    return folder


@pytest.fixture
def folder(whole, tmp_path):
    return shutil.copytree(whole, tmp_path / "chroma")


def middle(file):
    size = file.stat().st_size
    with file.open("r+b") as content:
        content.seek(size // 3)
        content.write(os.urandom(size // 3))


def half(file):
    os.truncate(file, file.stat().st_size // 2)


def empty(file):
    os.truncate(file, 0)


def gone(file):
    file.unlink()


def test_what_is_whole_or_new_is_opened(folder, tmp_path):
    check(folder)
    check(tmp_path / "none")


@pytest.mark.parametrize("damage", [middle, half, empty, gone])
def test_a_damaged_database_is_told(folder, damage):
    damage(folder / "chroma.sqlite3")
    with pytest.raises(StoreUnusable, match=r"chroma\.sqlite3 is .*restore a backup"):
        check(folder)


@pytest.mark.parametrize(
    ("name", "damage"),
    [
        ("index_metadata.pickle", empty),
        ("index_metadata.pickle", gone),
        *((name, how) for name in ("data_level0.bin", "length.bin") for how in (half, empty, gone)),
        *(("header.bin", how) for how in (empty, gone)),
        ("link_lists.bin", gone),
    ],
)
def test_a_file_of_an_index_that_is_cut_or_missing_is_told(folder, name, damage):
    (found,) = folder.glob("*/index_metadata.pickle")
    damage(found.with_name(name))
    with pytest.raises(StoreUnusable, match=f"{name} is damaged or missing; .*restore a backup"):
        check(folder)


async def test_the_server_is_told_at_its_start(folder):
    (folder / "chroma.sqlite3").unlink()
    with pytest.raises(StoreUnusable, match=r"chroma\.sqlite3 is missing or empty"):
        async with open_chroma(ChromaSettings(path=str(folder))):
            pass


@pytest.mark.parametrize(
    ("name", "damage", "error"),
    [("index_metadata.pickle", middle, StoreFailure), ("header.bin", half, StoreUnavailable)],
)
async def test_what_shows_at_the_first_call_alone_says_what_to_do(folder, name, damage, error):
    (found,) = folder.glob("*/index_metadata.pickle")
    damage(found.with_name(name))
    async with open_chroma(ChromaSettings(path=str(folder), in_memory_below=0)) as store:
        with pytest.raises(error, match="its files are damaged: stop the server, and restore a backup"):
            await store.query("papers", np.ones(8, np.float32), 3)
