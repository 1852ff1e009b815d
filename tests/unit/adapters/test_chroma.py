import asyncio
import shutil
import threading
from types import SimpleNamespace

import pytest
from pydantic import ValidationError

from jarvis_adapters.chroma import settings as settings_module
from jarvis_adapters.chroma.errors import NoSuchCollection, translate
from jarvis_adapters.chroma.records import BUILDING, read, record
from jarvis_adapters.chroma.settings import ChromaSettings
from jarvis_adapters.chroma.watch import Watch
from jarvis_adapters.chroma.work_queue import WorkQueue
from jarvis_ports.errors import StoreFailure, StoreUnusable
from jarvis_ports.store import CollectionSpec, IndexSettings, Space

SPEC = CollectionSpec("papers", 8, "model", "1", IndexSettings(Space.L2, 8, 50, 20))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"host": "h", "path": "p"}, "path: is for the embedded store; leave it out"),
        ({"host": "h", "in_memory_below": 10}, "in_memory_below: is for the embedded store"),
        ({"port": 8000}, "port: is for a server; set host as well"),
        ({"headers": {"a": "b"}}, "headers: is for a server"),
        ({"host": "http://x"}, "host\n.* must be a host's name or \\[ipv6\\] alone; its port goes into port"),
        ({"host": "x:8000"}, "its port goes into port"),
        ({"host": "x/y"}, "its port goes into port"),
        ({"host": " x"}, "its port goes into port"),
        ({"host": "::1"}, "its port goes into port"),
        ({"hang_seconds": float("inf")}, "a finite number"),
        ({"in_memory_below": -1}, "greater than or equal to 0"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        ChromaSettings(**settings)


@pytest.mark.parametrize("host", ["", "x", "chroma.example.org", "127.0.0.1", "[::1]"])
def test_a_host_alone_is_taken(host):
    assert ChromaSettings(host=host).host == host


@pytest.mark.parametrize("name", ["chromadb", "faiss"])
def test_a_package_that_is_not_installed_is_named(monkeypatch, name):
    monkeypatch.setattr(settings_module, "find_spec", lambda asked: None if asked == name else object())
    with pytest.raises(ValidationError, match=rf"{name} is not installed: pip install '\.\[chroma\]'"):
        ChromaSettings()


def test_headers_are_secret():
    assert "token" not in repr(ChromaSettings(host="h", headers={"authorization": "token"}))


def test_what_a_collection_is_for_comes_back_from_its_metadata():
    assert read(record(SPEC, BUILDING)) == (SPEC, BUILDING)


@pytest.mark.parametrize("metadata", [None, {}, {"hnsw:space": "l2"}])
def test_a_collection_of_another_program_is_not_ours(metadata):
    assert read(metadata) is None


def test_a_newer_schema_is_refused():
    with pytest.raises(StoreUnusable, match="'papers' was written by a newer version"):
        read({**record(SPEC), "jarvis.schema": 2})


def test_an_unknown_error_is_a_failure_in_one_line():
    error = translate(RuntimeError("two\nlines  here"))
    assert isinstance(error, StoreFailure)
    assert str(error) == "Chroma failed: two lines here"
    missing = NoSuchCollection("x")
    assert translate(missing) is missing


@pytest.mark.parametrize(
    ("free", "said"),
    [
        (2**20, "the disk of {} is full: free some space; Chroma failed: Failed to apply logs"),
        (2**30, "Chroma failed: Failed to apply logs"),
    ],
)
def test_a_failure_on_a_full_disk_says_so(tmp_path, monkeypatch, free, said):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    error = translate(RuntimeError("Failed to apply logs"), tmp_path)
    assert isinstance(error, StoreFailure)
    assert str(error) == said.format(tmp_path)


def test_a_folder_that_is_gone_is_no_full_disk(tmp_path):
    assert str(translate(RuntimeError("x"), tmp_path / "gone")) == "Chroma failed: x"


async def test_reads_go_before_writes_that_wait_and_writes_keep_their_order():
    queue, gate, done = WorkQueue(1), threading.Event(), []
    jobs = [asyncio.create_task(queue.write(gate.wait))]
    await asyncio.sleep(0)
    jobs += [asyncio.create_task(queue.write(lambda i=i: done.append(f"write {i}"))) for i in range(3)]
    await asyncio.sleep(0)
    jobs.append(asyncio.create_task(queue.read(lambda: done.append("read"))))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*jobs)
    await queue.close()
    assert done == ["read", "write 0", "write 1", "write 2"]


async def test_busy_readers_do_not_keep_a_write_out():
    queue, stop = WorkQueue(1), asyncio.Event()

    async def read():
        while not stop.is_set():
            await queue.read(lambda: threading.Event().wait(0.01))

    readers = [asyncio.create_task(read()) for _ in range(3)]
    async with asyncio.timeout(20):
        assert await queue.write(lambda: "written") == "written"
    stop.set()
    await asyncio.gather(*readers)
    await queue.close()


async def test_a_job_that_is_cancelled_before_it_begins_is_not_done():
    queue, gate, done = WorkQueue(1), threading.Event(), []
    first = asyncio.create_task(queue.write(gate.wait))
    second = asyncio.create_task(queue.write(lambda: done.append("second")))
    await asyncio.sleep(0)
    second.cancel()
    await asyncio.sleep(0)
    gate.set()
    await first
    await queue.close()
    assert done == []


async def test_health_says_what_failed_and_looks_whether_it_works_again():
    broken = True

    def probe():
        if broken:
            msg = "no space"
            raise OSError(msg)

    watch = Watch(probe, always=False)
    assert watch.health().ok
    watch.failed(StoreFailure("disk full"))
    assert watch.health().message == "disk full"
    await watch.close()
    assert watch.health().message == "Chroma does not work: no space"
    await watch.close()
    broken = False
    watch.health()
    await watch.close()
    assert watch.health().ok
