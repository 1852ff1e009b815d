import asyncio
import sqlite3
import stat
import subprocess
import sys
import threading
import time

import pytest

from jarvis_adapters.diskcache import open_diskcache
from jarvis_adapters.diskcache.settings import DiskCacheSettings

VALUE = bytes(range(256)) * 6


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "caches" / "embeddings"


@pytest.fixture
def opened(folder):
    """Opens a cache in the folder."""
    return lambda **more: open_diskcache(DiskCacheSettings(path=str(folder), **more))


async def test_values_outlive_the_cache(opened):
    async with opened() as cache:
        await cache.put({b"a": VALUE, b"b": b""})
    async with opened() as cache:
        assert await cache.get([b"a", b"b", b"c"]) == {b"a": VALUE, b"b": b""}


def test_the_folder_is_the_users_where_none_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("JARVIS_CACHE_DIR", str(tmp_path))
    assert DiskCacheSettings().folder == tmp_path / "embeddings"


async def test_the_folder_is_for_its_owner_alone(opened, folder):
    async with opened():
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_two_caches_share_a_folder(opened):
    async with opened() as one, opened() as other:
        await asyncio.gather(
            *(cache.put({b"%d" % i: b"%d" % i}) for i in range(50) for cache in (one, other)),
        )
        assert len(await one.get([b"%d" % i for i in range(50)])) == 50
        await one.put({b"late": b"1"})
        assert await other.get([b"late"]) == {b"late": b"1"}


async def test_the_file_stays_within_its_bound(opened, folder):
    async with opened(max_bytes=2**20) as cache:
        for start in range(0, 3000, 100):
            await cache.put({b"%d" % i: VALUE for i in range(start, start + 100)})
        assert len(await cache.get([b"%d" % i for i in range(2900, 3000)])) == 100
        assert not await cache.get([b"%d" % i for i in range(1000)])
    assert 0.5 * 2**20 < (folder / "cache.db").stat().st_size < 1.2 * 2**20


async def test_reading_is_not_held_up_by_a_long_write(opened):
    async with opened() as cache:
        await cache.put({b"a": VALUE})
        writing = asyncio.create_task(cache.put({b"%d" % i: VALUE for i in range(5000)}))
        await asyncio.sleep(0)
        assert await cache.get([b"a"]) == {b"a": VALUE}
        assert not writing.done()
        await writing


async def test_the_file_is_touched_by_one_thread_which_is_not_the_event_loops(opened, monkeypatch):
    threads = set()
    connect = sqlite3.connect

    def connecting(*arguments, **options):
        threads.add(threading.current_thread().name)
        return connect(*arguments, **options)

    monkeypatch.setattr(sqlite3, "connect", connecting)
    async with opened() as cache:
        await cache.put({b"a": b"1"})
        await cache.get([b"a"])
    assert threads == {"jarvis-diskcache_0"}
    assert "jarvis-diskcache_0" not in {thread.name for thread in threading.enumerate()}


def test_a_kill_loses_nothing_that_was_written(folder):
    program = (
        "import asyncio, os, signal, sys\n"
        "from jarvis_adapters.diskcache import open_diskcache\n"
        "from jarvis_adapters.diskcache.settings import DiskCacheSettings\n"
        "async def main():\n"
        "    async with open_diskcache(DiskCacheSettings(path=sys.argv[1])) as cache:\n"
        "        await cache.put({b'%d' % i: b'x' * 1500 for i in range(500)})\n"
        "        print('written', flush=True)\n"
        "        while True:\n"
        "            await cache.put({os.urandom(8): b'x' * 1500 for i in range(500)})\n"
        "asyncio.run(main())\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, folder], stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"written\n"
        time.sleep(0.1)
        writer.kill()

    async def read():
        async with open_diskcache(DiskCacheSettings(path=str(folder))) as cache:
            assert (await cache.health()).ok
            return await cache.get([b"%d" % i for i in range(500)])

    assert len(asyncio.run(read())) == 500
    assert not (folder / "cache.db.damaged").exists()
