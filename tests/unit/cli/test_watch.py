"""The live view, as a process: on a terminal, and anywhere else."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import termios
from asyncio.subprocess import PIPE
from contextlib import asynccontextmanager

import pytest

from jarvis.v1 import server_pb2 as pb
from tests.command import JARVIS

WATCH = ("status", "--watch", "--interval", "0.1", "--server")
LEAVES = "\x1b[?1049l"
"""What gives a terminal its own text back."""
SHOWS_CURSOR = "\x1b[?25h"
FARES = pb.GetStatusResponse(
    version="9.9",
    state=pb.STATE_READY,
    health=pb.HEALTH_DEGRADED,
    models=[pb.ModelStatus(name="a-model-with-quite-a-long-name", adapter="echo", state=pb.STATE_READY)],
    components=[
        pb.ComponentStatus(
            port="cache", name="c", adapter="c", state=pb.STATE_FAILED, message="\x1b[2Jdisk full\nagain"
        )
    ],
    objectives=[pb.Objective(name="latency", objective=0.95, threshold_seconds=10, budget_remaining=1)],
)


class Watching:
    """A process, and what it has printed."""

    def __init__(self, process, read):
        self.process = process
        self.seen = ""
        self._read = read

    async def expect(self, *texts):
        """Read until there is one text after another; what stands between them does not matter."""
        pattern = re.compile(".*?".join(map(re.escape, texts)), re.DOTALL)
        async with asyncio.timeout(30):
            while not (found := pattern.search(self.seen)):
                self.seen += await self._read()
        self.seen = self.seen[found.end() :]

    async def end(self):
        self.process.send_signal(signal.SIGINT)
        return await asyncio.wait_for(self.process.wait(), 30)


@asynccontextmanager
async def piped(*arguments):
    process = await asyncio.create_subprocess_exec(*JARVIS, *arguments, stdout=PIPE, stderr=PIPE)

    async def read():
        return (await process.stdout.read(65536)).decode()

    try:
        yield Watching(process, read)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def on_terminal(columns, *arguments):
    main, end = pty.openpty()
    fcntl.ioctl(end, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    process = await asyncio.create_subprocess_exec(
        *JARVIS, *arguments, stdin=end, stdout=end, stderr=end, env={**environment, "TERM": "xterm"}
    )
    os.close(end)
    os.set_blocking(main, False)

    async def read():
        await asyncio.sleep(0.02)
        try:
            return os.read(main, 65536).decode(errors="replace")
        except (BlockingIOError, OSError):
            return ""

    try:
        yield Watching(process, read)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(main)


async def test_where_there_is_no_terminal_it_prints_block_after_block(answer):
    async with piped(*WATCH, await answer(GetStatus=FARES)) as watching:
        for _ in range(2):
            await watching.expect(
                "jarvis 9.9: ready, degraded, up 0:00:00, 0 active requests\n",
                "budget left  latency 100.0% (95% within 10 s promised, 0 of 0 bad)\n",
                "llm a-model-with-quite-a-long-name: ready\n",
                "cache c: failed, \\x1b[2Jdisk full\\nagain\n",
            )
        assert await watching.end() == 0
        assert "\x1b" not in watching.seen
        assert await watching.process.stderr.read() == b""


async def test_a_server_that_goes_away_is_shown_as_such_and_waited_for(fake, serve):
    first = serve(fake)
    port = first.add_insecure_port("127.0.0.1:0")
    await first.start()
    async with piped(*WATCH, f"127.0.0.1:{port}") as watching:
        await watching.expect("jarvis 9.9: draining")
        await first.stop(None)
        await watching.expect(
            f"no answer: cannot connect to 127.0.0.1:{port}: ", "; asking again every 0.1 s\n"
        )
        second = serve(fake)
        assert second.add_insecure_port(f"127.0.0.1:{port}") == port
        await second.start()
        await watching.expect("jarvis 9.9: draining")
        assert await watching.end() == 0
        await second.stop(None)


@pytest.mark.parametrize("columns", [120, 40])
async def test_a_terminal_shows_it_live_and_is_left_as_it_was(answer, columns):
    async with on_terminal(columns, *WATCH, await answer(GetStatus=FARES)) as watching:
        await watching.expect("jarvis 9.9: ready, degraded", "latency", "failed", "Ctrl-C ends it")
        await watching.expect("jarvis 9.9: ready, degraded", "Ctrl-C ends it")
        assert "\x1b[2J" not in watching.seen, "what an adapter says does not steer the terminal"
        assert await watching.end() == 0
        await watching.expect(SHOWS_CURSOR, LEAVES)
        assert "Traceback" not in watching.seen


async def test_a_narrow_terminal_has_the_whole_of_every_name(answer):
    async with on_terminal(40, *WATCH, await answer(GetStatus=FARES)) as watching:
        while "Ctrl-C" not in watching.seen:
            watching.seen += await watching._read()
        text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", watching.seen)
        assert "ADAPTER" not in text
        assert "…" not in text
        assert all(len(line) <= 40 for line in text.splitlines())
        assert await watching.end() == 0


async def test_a_terminal_sees_the_server_go_away(fake, serve):
    server = serve(fake)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with on_terminal(100, *WATCH, f"127.0.0.1:{port}") as watching:
        await watching.expect("jarvis 9.9: draining")
        await server.stop(None)
        await watching.expect("no answer: cannot connect to ")
        assert await watching.end() == 0


async def test_what_belongs_to_a_watch_is_refused_without_it(run):
    code, out, err = await run("status", "--interval", "1")
    assert (code, out) == (2, "")
    assert "--interval: is for --watch" in err
    code, out, err = await run("status", "--watch", "--json")
    assert (code, out) == (2, "")
    assert "give one of them" in err


async def test_help_has_an_example_of_it(run):
    _, out, _ = await run("status", "--help")
    assert "jarvis status --watch --interval 5" in out
