"""What can befall Chroma, embedded."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import psutil
import pytest

from jarvis_adapters.chroma import open_chroma, process
from jarvis_adapters.chroma.settings import ChromaSettings
from jarvis_ports.errors import StoreFailure, StoreUnavailable, StoreUnusable
from jarvis_ports.store import CollectionSpec, Row

SPEC = CollectionSpec("papers", 8, "model", "1")
WRITER = """
import asyncio, sys
import numpy as np
from jarvis_adapters.chroma import open_chroma
from jarvis_adapters.chroma.settings import ChromaSettings
from jarvis_ports.store import CollectionSpec, Row

async def main():
    async with open_chroma(ChromaSettings(path=sys.argv[1])) as store:
        await store.create(CollectionSpec("papers", 8, "model", "1"))
        for i in range(100_000):
            vectors = np.random.default_rng(i).standard_normal((5, 8), dtype=np.float32)
            await store.upsert("papers", [Row(f"{i}-{j}", f"text {i}", {"i": i}) for j in range(5)], vectors)
            print(i, flush=True)

asyncio.run(main())
"""


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "chroma"


def rows(number, start=0):
    made = [Row(f"r{i}", f"text {i}") for i in range(start, start + number)]
    return made, np.random.default_rng(start).standard_normal((number, 8), dtype=np.float32)


def embedded(folder, **settings):
    return open_chroma(ChromaSettings(path=str(folder), **settings))


def chroma_process(folder):
    children = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
    (found,) = [one for one in children if str(folder) in one.cmdline()]
    return found


async def diagnose(store):
    return [step async for step in store.check("papers")][-1]


async def until_health(store, *, ok):
    async with asyncio.timeout(20):
        while (health := await store.health()).ok is not ok:
            await asyncio.sleep(0.05)
    return health.message


async def test_what_was_acknowledged_survives_a_kill(folder):
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs here
        [sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True
    ) as writer:
        for _ in range(20):
            acknowledged = int(writer.stdout.readline())
        with pytest.raises(StoreUnusable, match=f"the process {writer.pid} uses it"):
            async with embedded(folder):
                pass
        writer.kill()
        for line in writer.stdout:
            acknowledged = int(line)
    assert acknowledged >= 19
    async with embedded(folder) as store:
        wanted = [f"{i}-{j}" for i in range(acknowledged + 1) for j in range(5)]
        found = await store.get("papers", wanted)
        assert [row.id for row in found.rows] == wanted
        diagnosis = await diagnose(store)
        assert diagnosis.ok
        assert diagnosis.rows >= len(wanted)
        await store.upsert("papers", *rows(1))  # what was logged and not applied would come with it
        assert (await diagnose(store)).ok


async def test_keeps_its_files_to_its_owner(folder):
    async with embedded(folder):
        assert folder.stat().st_mode & 0o777 == 0o700
        assert (folder / "chroma.sqlite3").stat().st_mode & 0o077 == 0


async def test_is_there_as_it_was_when_it_is_opened_again(folder):
    made, vectors = rows(30)
    async with embedded(folder) as store:
        await store.create(SPEC)
        await store.upsert("papers", made, vectors)
    async with embedded(folder) as store:
        assert await store.collections() == [SPEC]
        assert (await store.query("papers", vectors[3], 1))[0].row == made[3]
        assert (await diagnose(store)).counts == {"store": 30, "snapshot": 30}


async def test_a_process_of_chroma_that_hangs_is_noticed_and_replaced(folder):
    made, vectors = rows(30)
    async with embedded(folder, in_memory_below=0, hang_seconds=1) as store:
        await store.create(SPEC)
        await store.upsert("papers", made, vectors)
        for call in (store.query("papers", vectors[3], 1), store.upsert("papers", *rows(1, 30))):
            hung = chroma_process(folder)
            hung.send_signal(signal.SIGSTOP)
            with pytest.raises(StoreUnavailable, match="ended with code -9; the next call"):
                await asyncio.wait_for(call, 20)
            assert "ended with code -9" in (await store.health()).message
            await until_health(store, ok=True)
            assert (await store.query("papers", vectors[3], 1))[0].row == made[3]
            assert chroma_process(folder).pid != hung.pid


async def test_a_process_of_chroma_that_is_killed_while_idle_is_replaced_before_anyone_notices(folder):
    made, vectors = rows(30)
    async with embedded(folder, in_memory_below=0) as store:
        await store.create(SPEC)
        await store.upsert("papers", made, vectors)
        for call in (store.upsert("papers", *rows(1, 30)), store.query("papers", vectors[3], 1)):
            chroma = chroma_process(folder)
            chroma.kill()
            await asyncio.to_thread(os.waitid, os.P_PID, chroma.pid, os.WEXITED | os.WNOWAIT)
            await call
            assert (await store.health()).ok
        assert (await diagnose(store)).rows == 31


async def test_reads_go_on_and_writes_come_back_when_the_process_of_chroma_is_killed(folder):
    made, vectors = rows(30)
    async with embedded(folder) as store:
        await store.create(SPEC)
        await store.upsert("papers", made, vectors)
        assert (await store.query("papers", vectors[3], 1))[0].row == made[3]
        chroma = chroma_process(folder)
        chroma.send_signal(signal.SIGSTOP)
        assert (await store.query("papers", vectors[3], 1))[0].row == made[3]
        writing = asyncio.create_task(store.upsert("papers", *rows(1, 30)))
        await asyncio.sleep(0.5)
        chroma.kill()
        with pytest.raises(StoreUnavailable, match="ended with code -9"):
            await writing
        assert not (await store.health()).ok
        await store.upsert("papers", *rows(1, 30))
        assert (await store.health()).ok
        assert await store.count("papers") == 31


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 3 MB, and what makes it larger."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a small disk")
    yield disk, lambda: subprocess.run(["mount", "-o", "remount,size=30m", disk], check=True)
    subprocess.run(["umount", disk], check=True)


async def test_a_full_disk_fails_the_write_and_is_unwell_until_there_is_room(small_disk):
    disk, grow = small_disk
    made, vectors = rows(30)
    few, more = rows(30, 30)
    large = [replace(row, text="words " * 20_000) for row in few]
    async with embedded(disk / "chroma") as store:
        await store.create(SPEC)
        await store.upsert("papers", made, vectors)
        # Mostly Chroma says so; at times it hangs, and is ended.
        with pytest.raises((StoreFailure, StoreUnavailable)):
            await store.upsert("papers", large, more)
        assert (await store.query("papers", vectors[3], 1))[0].row == made[3]
        assert not (await store.health()).ok
        grow()
        await until_health(store, ok=True)
        await store.upsert("papers", large, more)
        assert (await diagnose(store)).counts == {"store": 60, "snapshot": 60}
        assert len((await store.get("papers", [row.id for row in made + few])).rows) == 60


@pytest.mark.parametrize("content", [b"this is no database" * 1000, b""], ids=["damaged", "a folder"])
async def test_a_folder_that_cannot_be_used_is_said_in_one_line(folder, content):
    folder.mkdir()
    if content:
        (folder / "chroma.sqlite3").write_bytes(content)
    else:
        (folder / "chroma.sqlite3").mkdir()
    with pytest.raises(
        StoreUnusable,
        match=r"chroma\.sqlite3 is damaged: .*restore a backup|cannot open it: .*configure another folder",
    ) as caught:
        async with embedded(folder):
            pass
    assert "\n" not in str(caught.value)


async def test_a_path_that_is_a_file_is_refused(folder):
    folder.write_text("")
    with pytest.raises(StoreUnusable, match="cannot be written"):
        async with embedded(folder):
            pass


async def test_leaves_no_process_behind(folder):
    async with embedded(folder):
        chroma = chroma_process(folder)
    assert not chroma.is_running()


async def test_a_process_that_is_stopped_keeps_nobody_from_closing(folder, monkeypatch):
    monkeypatch.setattr(process, "STOP_SECONDS", 0.5)
    async with asyncio.timeout(20), embedded(folder) as store:
        await store.create(SPEC)
        await store.upsert("papers", *rows(3))
        child = chroma_process(folder)
        child.suspend()
    assert not child.is_running()
    async with embedded(folder) as store:
        assert await store.count("papers") == 3


async def test_a_collection_that_grows_leaves_memory_and_comes_back_well_below(folder):
    made, vectors = rows(60)
    async with embedded(folder, in_memory_below=40) as store:
        await store.create(SPEC)
        for number, where in [
            (40, {"store", "snapshot"}),
            (41, {"store"}),
            (60, {"store"}),
        ]:
            await store.upsert("papers", made[:number], vectors[:number])
            diagnosis = await diagnose(store)
            assert set(diagnosis.counts) == where
            assert diagnosis.ok
        for number, where in [(35, {"store"}), (29, {"store", "snapshot"})]:
            await store.delete("papers", [row.id for row in made[number:]])
            assert set((await diagnose(store)).counts) == where
            assert await store.count("papers") == number
            assert len(await store.query("papers", vectors[0], 60)) == number
