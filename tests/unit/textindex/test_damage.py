import asyncio
import os
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time

import pytest

from jarvis.textindex import SQLiteTextIndex
from jarvis_ports.errors import StoreFailure, StoreUnusable
from jarvis_ports.store import Row

WRITER = """
import asyncio, itertools, sys
from pathlib import Path
from jarvis.textindex import SQLiteTextIndex
from jarvis_ports.store import Row

async def main():
    async with SQLiteTextIndex.open(Path(sys.argv[1])) as index:
        for batch in itertools.count(int(sys.argv[2])):
            ids = [f"{batch}-{i}" for i in range(20)]
            await index.begin("c", ids)
            print("begun", batch, flush=True)
            await index.commit("c", [Row(id_, "some text " * 50) for id_ in ids], [])
            print("committed", batch, flush=True)

asyncio.run(main())
"""


def write_until_killed(folder, first, seconds):
    """Return the batches that were begun, and those that were committed."""
    command = [sys.executable, "-c", WRITER, str(folder), str(first)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline()
        time.sleep(seconds)
        process.kill()
        lines = process.stdout.read().splitlines()
    reports = [(word, int(batch)) for word, _, batch in (line.partition(" ") for line in lines)]
    return tuple(
        {first, *(batch for said, batch in reports if said == word)} for word in ("begun", "committed")
    )


async def test_a_kill_at_any_moment_leaves_every_row_committed_or_pending(tmp_path):
    first = 0
    for seconds in (0.0, 0.05, 0.11, 0.2):
        begun, committed = write_until_killed(tmp_path, first, seconds)
        committed -= {first} if seconds == 0.0 else set()
        async with SQLiteTextIndex.open(tmp_path) as index:
            assert await index.count("c") == sum([len(page) async for page in index.ids("c")])
            pending = set(await index.pending("c"))
            for batch in begun:
                ids = [f"{batch}-{i}" for i in range(20)]
                rows = await index.rows("c", ids)
                assert len(rows) == 20 or pending.issuperset(ids)
                assert batch not in committed or len(rows) == 20
            assert len({match.row.text for match in await index.search("c", "text", 1)}) == min(
                1, await index.count("c")
            )
        first = max(begun) + 2
    with sqlite3.connect(tmp_path / "text.sqlite3") as database:
        database.execute("INSERT INTO words_1 (words_1) VALUES ('integrity-check')")


def damage(file, how):
    data = bytearray(file.read_bytes())
    if how == "garbage":
        data = bytearray(os.urandom(len(data)))
    elif how == "page":
        data[8192:12288] = os.urandom(4096)
    else:
        del data[len(data) // 2 :]
    file.write_bytes(data)


@pytest.mark.parametrize("how", ["garbage", "page", "cut off"])
async def test_a_damaged_file_is_moved_aside_and_a_new_one_begun(tmp_path, how, caplog):
    async with SQLiteTextIndex.open(tmp_path) as index:
        await index.commit("c", [Row(str(i), "some text " * 30) for i in range(300)], [])
    damage(tmp_path / "text.sqlite3", how)
    damaged = (tmp_path / "text.sqlite3").read_bytes()
    async with SQLiteTextIndex.open(tmp_path) as index:
        assert await index.count("c") == 0
        await index.commit("c", [Row("1", "again")], [])
    assert "text.sqlite3.damaged" in caplog.text
    assert (tmp_path / "text.sqlite3.damaged").read_bytes() == damaged
    async with SQLiteTextIndex.open(tmp_path) as index:
        assert await index.count("c") == 1


async def test_a_file_of_another_version_is_moved_aside(tmp_path, caplog):
    with sqlite3.connect(tmp_path / "text.sqlite3") as database:
        database.execute("PRAGMA user_version = 99")
    async with SQLiteTextIndex.open(tmp_path) as index:
        assert await index.collections() == []
    assert "version 99" in caplog.text


async def test_damage_that_shows_while_it_runs_is_a_failure_that_says_what_to_do(tmp_path):
    async with SQLiteTextIndex.open(tmp_path) as index:
        await index.commit("c", [Row(str(i), "some text " * 30) for i in range(3000)], [])
    async with SQLiteTextIndex.open(tmp_path) as index:
        with (tmp_path / "text.sqlite3").open("r+b") as file:
            file.seek(8192)
            file.write(os.urandom(2**19))
        with pytest.raises(StoreFailure, match="restart the server"):
            await index.rows("c", [str(i) for i in range(3000)])


async def test_a_folder_is_one_process_s(tmp_path):
    async with SQLiteTextIndex.open(tmp_path):
        command = [sys.executable, "-c", WRITER, str(tmp_path), "0"]
        ended = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
    assert f"StoreUnusable: {tmp_path}: the process {os.getpid()} uses it" in ended.stderr


async def test_a_place_that_cannot_be_written_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnusable, match="file"):
        async with SQLiteTextIndex.open(tmp_path / "file" / "index"):
            pass
    (tmp_path / "text.sqlite3").mkdir()
    with pytest.raises(StoreUnusable, match="cannot be opened"):
        async with SQLiteTextIndex.open(tmp_path):
            pass


@pytest.fixture
def limit_files():
    """Let no file of this process grow beyond some bytes: writing more fails as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    signal.signal(signal.SIGXFSZ, ignored)


async def test_on_a_full_disk_a_commit_fails_whole_and_works_again_later(tmp_path, limit_files):
    async with SQLiteTextIndex.open(tmp_path) as index:
        await index.begin("c", ["1", "2"])
        limit_files(200_000)
        big = [Row("1", "some text"), Row("2", "word " * 200_000)]
        with pytest.raises(StoreFailure, match="text index"):
            await index.commit("c", big, [])
        limit_files(resource.getrlimit(resource.RLIMIT_FSIZE)[1])
        assert await index.count("c") == 0
        assert sorted(await index.pending("c")) == ["1", "2"]
        await index.commit("c", big, [])
        assert [await index.count("c"), await index.pending("c")] == [2, []]


async def test_reads_go_on_while_a_write_takes_long(tmp_path):
    finish = threading.Event()
    async with SQLiteTextIndex.open(tmp_path) as index:
        await index.commit("c", [Row("1", "one")], [])
        writing = asyncio.create_task(index._connections.write(lambda _: finish.wait(60)))
        try:
            assert [match.row.id for match in await index.search("c", "one", 10)] == ["1"]
            assert not writing.done()
        finally:
            finish.set()
        assert await writing


async def test_a_cancelled_search_ends_and_the_next_one_works(tmp_path):
    endless = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
    async with SQLiteTextIndex.open(tmp_path) as index:
        await index.commit("c", [Row("1", "one")], [])
        for _ in range(6):  # more than there are connections
            reading = asyncio.create_task(index._connections.read(lambda c: c.execute(endless).fetchone()))
            await asyncio.sleep(0.05)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        assert await index.count("c") == 1
