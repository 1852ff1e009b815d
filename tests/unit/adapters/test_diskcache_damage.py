"""Files that are not ours, broken, or cannot be written."""

import os
import pickle
import sqlite3
from contextlib import closing

import diskcache
import pytest

from jarvis_adapters.diskcache import open_diskcache, settings, store
from jarvis_adapters.diskcache.settings import DiskCacheSettings

VALUE = bytes(range(256)) * 6


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "caches" / "embeddings"


@pytest.fixture
def opened(folder):
    """Opens a cache in the folder."""
    return lambda: open_diskcache(DiskCacheSettings(path=str(folder)))


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(store, "RETRY_SECONDS", 0.0)
    monkeypatch.setattr(store, "LOCK_SECONDS", 0.1)


class Bomb:
    """Makes a file where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def change(folder, statement, *values):
    with closing(sqlite3.connect(folder / "cache.db")) as connection, connection:
        connection.execute(statement, values)


# What is not ours, or broken


@pytest.fixture
def bomb(tmp_path):
    return Bomb(tmp_path / "exploded")


async def test_a_pickle_in_the_file_is_a_miss_and_is_not_loaded(opened, folder, bomb):
    async with opened() as cache:
        await cache.put({b"good": b"1"})
    with closing(diskcache.Cache(str(folder))) as plain:
        plain[b"bad"] = bomb
        plain[b"text"] = "text"
    async with opened() as cache:
        assert await cache.get([b"bad", b"text"]) == {}
        assert await cache.get([b"good"]) == {b"good": b"1"}
        await cache.put({b"bad": b"2"})
        assert await cache.get([b"bad"]) == {b"bad": b"2"}
    assert not bomb.path.exists()


async def test_a_row_that_names_a_file_reads_and_removes_none(opened, folder, tmp_path):
    (tmp_path / "secret").write_bytes(VALUE)
    async with opened() as cache:
        await cache.put({b"a": b"1", b"b": b"2"})
        change(folder, "UPDATE Cache SET mode = 2, value = NULL, filename = '../../secret'")
        assert await cache.get([b"a", b"b"]) == {}
        await cache.put({b"a": b"3"})
        assert await cache.get([b"a"]) == {b"a": b"3"}
    assert (tmp_path / "secret").read_bytes() == VALUE


async def test_a_value_that_has_changed_on_the_disk_is_a_miss(opened, folder):
    async with opened() as cache:
        await cache.put({b"a": b"\x00" + VALUE})
        ((value,),) = sqlite3.connect(folder / "cache.db").execute("SELECT value FROM Cache").fetchall()
        change(folder, "UPDATE Cache SET value = ?", value[:-1] + b"\x00")
        assert await cache.get([b"a"]) == {}


@pytest.mark.parametrize(
    ("key", "make"),
    [
        ("get", pickle.dumps),
        ("_directory", lambda _: "/tmp"),  # noqa: S108 - it is not used
        ("sqlite_cache_size", pickle.dumps),
        ("sqlite_x = 1; DROP TABLE Cache; --", lambda _: 1),
        ("disk_nonsense", lambda _: 1),
        ("size", lambda _: 2**60),
    ],
)
async def test_settings_in_the_file_are_not_believed(opened, folder, bomb, caplog, key, make):
    async with opened() as cache:
        await cache.put({b"a": b"1"})
    change(folder, "INSERT OR REPLACE INTO Settings VALUES (?, ?)", key, make(bomb))
    async with opened() as cache:
        assert (await cache.health()).ok
        await cache.put({b"b": b"2"})
        assert await cache.get([b"a", b"b"]) == {b"b": b"2"}
    assert "is damaged" in caplog.text
    assert not bomb.path.exists()


async def test_a_file_of_garbage_is_set_aside(opened, folder, caplog):
    folder.mkdir(parents=True)
    for _ in range(2):
        (folder / "cache.db").write_bytes(b"garbage" * 1000)
        async with opened() as cache:
            assert (await cache.health()).ok
            await cache.put({b"a": b"1"})
            assert await cache.get([b"a"]) == {b"a": b"1"}
    assert (folder / "cache.db.damaged").read_bytes() == b"garbage" * 1000
    assert sorted(path.name for path in folder.iterdir()) == ["cache.db", "cache.db.damaged"]
    assert f"{folder}/cache.db is damaged (file is not a database)" in caplog.text


async def test_a_file_that_is_damaged_while_it_is_open_is_set_aside(opened, folder):
    async with opened() as cache:
        await cache.put({b"%d" % i: VALUE for i in range(2000)})
    with (folder / "cache.db").open("r+b") as file:
        length = file.seek(0, os.SEEK_END)
        file.seek(4096)
        file.write(b"\xa5" * (length - 4096))
    async with opened() as cache:
        found = await cache.get([b"%d" % i for i in range(2000)])
        assert set(found.values()) <= {VALUE}
        for _ in range(2):
            await cache.put({b"new": b"1"})
        assert (await cache.health()).ok
        assert await cache.get([b"new"]) == {b"new": b"1"}
    assert (folder / "cache.db.damaged").exists()


# Where nothing can be written


async def test_a_folder_that_cannot_be_made_is_done_without(opened, folder):
    folder.parent.write_text("a file")
    async with opened() as cache:
        assert not (await cache.health()).ok
        assert str(folder) in (await cache.health()).message
        await cache.put({b"a": b"1"})
        assert await cache.get([b"a"]) == {}
        folder.parent.unlink()
        await cache.put({b"a": b"1"})
        assert (await cache.health()).ok
        assert await cache.get([b"a"]) == {b"a": b"1"}


async def test_it_is_not_tried_again_at_every_call(opened, folder, monkeypatch):
    monkeypatch.setattr(store, "RETRY_SECONDS", 60.0)
    folder.parent.write_text("a file")
    async with opened() as cache:
        folder.parent.unlink()
        await cache.put({b"a": b"1"})
        assert not (await cache.health()).ok


async def test_a_file_that_is_read_only_is_done_without(opened, folder, monkeypatch):
    async with opened() as cache:
        await cache.put({b"a": b"1"})
    connect = sqlite3.connect

    def read_only(file, *arguments, **options):  # mode bits do not hold back root
        return connect(f"file:{file}?mode=ro", *arguments, uri=True, **options)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    async with opened() as cache:
        assert (await cache.health()).message == f"{folder}: attempt to write a readonly database"
        await cache.put({b"a": b"2"})
        assert await cache.get([b"a"]) == {}
    assert not (folder / "cache.db.damaged").exists()


async def test_a_full_disk_drops_what_is_put_and_is_told(opened, folder):
    async with opened() as cache:
        await cache.put({b"a": b"1"})
        file = cache._store._cache
        await cache.call(lambda: file._sql("PRAGMA max_page_count = 1").fetchall())
        await cache.put({b"%d" % i: VALUE for i in range(60)})
        assert (await cache.health()).message == f"{folder}: database or disk is full"
        await cache.put({b"b": b"2"})  # opens it anew, without that limit
        assert (await cache.health()).ok
        assert await cache.get([b"a", b"b", b"1"]) == {b"a": b"1", b"b": b"2"}
    assert not (folder / "cache.db.damaged").exists()


async def test_a_lock_of_another_process_is_not_waited_for_long(opened, folder):
    async with opened() as cache:
        await cache.put({b"a": b"1"})
        with closing(sqlite3.connect(folder / "cache.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            await cache.put({b"b": b"2"})
            assert (await cache.health()).message == f"{folder}: database is locked"
            assert await cache.get([b"a"]) == {b"a": b"1"}
            other.execute("ROLLBACK")
        await cache.put({b"c": b"3"})
        assert (await cache.health()).ok
        assert await cache.get([b"a", b"b", b"c"]) == {b"a": b"1", b"c": b"3"}


def test_a_missing_library_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr(settings, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"pip install '\.\[diskcache\]' \./plugins"):
        DiskCacheSettings()
