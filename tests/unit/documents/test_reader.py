import asyncio
import os
import signal
import sys

import psutil
import pytest

from jarvis.core.text import Kind, Text
from jarvis.documents import reader as module
from jarvis.documents.reader import Reader
from jarvis_ports.errors import DocumentUnreadable

pytestmark = pytest.mark.slow

PAGE = b"<p>some <b>words</b></p>"
SLOW = PAGE * 50_000


@pytest.fixture(scope="module")
async def reader():
    async with Reader() as reader:
        yield reader


def children():
    alive = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
    return {one.pid for one in alive if "spawn_main" in " ".join(one.cmdline())}


def pid_of(reader):
    return reader._process.child.pid


async def gone(pid):
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_documents_are_read(reader, pdf):
    assert await reader.read(PAGE, "a.html", None) == Text("some **words**", Kind.MARKDOWN)
    assert await reader.read(pdf("one"), "a", "application/pdf") == Text("one", Kind.PLAIN, pages=(0,))
    assert await reader.read(b"x = 1", "a.py", None) == Text("x = 1", Kind.CODE, "python")


async def test_what_cannot_be_read_is_said(reader):
    for data, source in ((b"%PDF-", "a.pdf"), (b"\0", "a.txt")):
        with pytest.raises(DocumentUnreadable, match=source):
            await reader.read(data, source, None)


async def test_several_documents_at_once_are_all_read(reader):
    texts = await asyncio.gather(*(reader.read(b"<p>%d</p>" % i, "a.html", None) for i in range(8)))
    assert [text.text for text in texts] == [str(i) for i in range(8)]


async def test_text_needs_no_process():
    before = children()
    async with Reader() as reader:
        await reader.read(b"words", "a.txt", None)
        assert children() == before


async def test_the_process_ends_with_the_reader():
    async with Reader() as reader:
        await reader.read(PAGE, "a.html", None)
        pid = pid_of(reader)
        assert psutil.pid_exists(pid)
    assert await gone(pid)


@pytest.fixture
async def begun():
    """A reader whose process has read something."""
    async with Reader(timeout=0.5) as reader:
        await reader.read(PAGE, "a.html", None)
        yield reader


@pytest.mark.parametrize("stopped_by", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_process_that_ends_or_stops_between_documents_is_not_the_next_ones_fault(
    begun, stopped_by, monkeypatch
):
    monkeypatch.setattr(module, "ALIVE_SECONDS", 0.5)
    begun._timeout = 60
    pid = pid_of(begun)
    os.kill(pid, stopped_by)
    assert (await begun.read(PAGE, "b.html", None)).text == "some **words**"
    assert await gone(pid)


async def test_a_long_text_is_read_in_the_process(begun):
    begun._timeout = 60
    os.kill(pid_of(begun), signal.SIGKILL)
    assert (await begun.read(b"a " * module.TEXT_BYTES, "a.txt", None)).kind is Kind.PLAIN
    assert psutil.pid_exists(pid_of(begun))


async def test_a_document_that_takes_too_long_is_unreadable_and_the_next_one_is_read(begun):
    pid = pid_of(begun)
    with pytest.raises(DocumentUnreadable, match=r"slow\.html cannot be read in 0\.5 seconds"):
        await begun.read(SLOW, "slow.html", None)
    assert await gone(pid)
    assert (await begun.read(PAGE, "a.html", None)).text == "some **words**"


async def test_a_signal_to_the_servers_group_is_not_for_the_process_that_reads(reader):
    await reader.read(PAGE, "a.html", None)
    assert os.getsid(pid_of(reader)) == pid_of(reader)


async def test_a_caller_that_goes_takes_its_document_along(begun):
    begun._timeout = 60
    pid = pid_of(begun)
    reading = asyncio.create_task(begun.read(SLOW, "a.html", None))
    await asyncio.sleep(0.1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert await gone(pid)
    assert (await begun.read(PAGE, "b.html", None)).text == "some **words**"


async def test_a_document_that_kills_its_process_is_unreadable_and_the_next_one_is_read(begun):
    begun._timeout = 60
    reading = asyncio.create_task(begun.read(SLOW, "a.html", None))
    await asyncio.sleep(0.1)
    os.kill(pid_of(begun), signal.SIGKILL)
    with pytest.raises(DocumentUnreadable, match=r"a\.html ended the process"):
        await reading
    assert (await begun.read(PAGE, "b.html", None)).text == "some **words**"


SERVER = """
import asyncio, sys
from jarvis.documents.reader import Reader

async def main():
    async with Reader() as reader:
        await reader.read(b"<p>x</p>", "a.html", None)
        print(reader._process.child.pid, flush=True)
        await asyncio.sleep(600)

if __name__ == "__main__":
    asyncio.run(main())
"""


async def test_the_process_ends_when_the_server_is_killed(tmp_path):
    (tmp_path / "server.py").write_text(SERVER)
    command = (sys.executable, tmp_path / "server.py")
    server = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    pid = int(await server.stdout.readline())
    assert psutil.pid_exists(pid)
    server.kill()
    await server.wait()
    assert await gone(pid)


async def test_a_document_that_takes_too_much_memory_is_unreadable(monkeypatch):
    monkeypatch.setattr(module, "read", "{1:4000000000}".format)  # fills with four gigabytes of spaces
    async with Reader() as reader:
        with pytest.raises(DocumentUnreadable, match=r"a\.pdf takes too much memory"):
            await reader.read(b"%PDF", "a.pdf", None)
