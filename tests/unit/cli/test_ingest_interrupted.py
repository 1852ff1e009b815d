"""Ctrl-C in `jarvis ingest`."""

import asyncio
import os
from asyncio.subprocess import PIPE
from fcntl import ioctl
from termios import FIONREAD

from tests.command import JARVIS
from tests.unit.cli.stored import rows


async def test_ctrl_c_ends_the_wait_for_standard_input(address):
    theirs, ours = os.pipe()
    os.write(ours, b"#")
    process = await asyncio.create_subprocess_exec(
        *JARVIS, "ingest", "-", "--source", "a.md", "--server", address, stdin=theirs, stderr=PIPE
    )
    async with asyncio.timeout(30):
        while ioctl(theirs, FIONREAD, b"\0" * 4) != b"\0" * 4:  # until it has been read
            await asyncio.sleep(0.05)
    process.send_signal(2)
    async with asyncio.timeout(10):
        assert await process.wait() == 130
    assert await process.stderr.read() == b""
    os.close(theirs)
    os.close(ours)


async def test_ctrl_c_tells_what_is_stored_and_ends_with_130(address, tmp_path):
    for n in range(2000):
        (tmp_path / f"{n}.md").write_text(f"document {n}")
    process = await asyncio.create_subprocess_exec(
        *JARVIS, "ingest", str(tmp_path), "--server", address, stdout=PIPE, stderr=PIPE
    )
    await asyncio.wait_for(process.stdout.readline(), 30)
    process.send_signal(2)
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 130
    assert b"documents are stored; the same command goes on after them" in err
    assert 0 < await rows(address) < 2000
