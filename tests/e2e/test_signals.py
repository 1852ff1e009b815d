"""What a server does at signals; for one with an engine, see tests/engine/test_terminal.py."""

import asyncio
import os
import signal
from contextlib import asynccontextmanager

import pytest

from jarvis.v1 import generation_pb2 as pb
from tests.command import JARVIS

SIGNALS_APART = 0.7
SERVE = (*JARVIS, "serve")
SETS = ("models.echo.adapter=echo", "models.echo.settings.tokens_per_second=10", "embedder.adapter=none")
ANSWER = pb.GenerateRequest(prompt="a " * 20)


@pytest.fixture
def serve(tmp_path, connect):
    """Start a server that needs 2 s for an answer, below other programs: gives the process, and a caller."""

    @asynccontextmanager
    async def serve(*below, **options):
        address = f"unix:{tmp_path}/socket"
        sets = (*SETS, "store.adapter=none", "server.drain_delay_seconds=0", 'http.listen=""')
        line = [*SERVE, "--set", f'server.listen=["{address}"]']
        for one in sets:
            line += ["--set", one]
        process = await asyncio.create_subprocess_exec(*below, *line, **options)
        try:
            async with connect(address) as peer:
                await peer.serving(30)
                yield process, peer
        finally:
            if process.returncode is None:
                process.kill()
            await asyncio.wait_for(process.wait(), 20)

    return serve


async def test_timeout_which_sends_its_signal_twice_lets_an_answer_finish(serve):
    async with serve("timeout", "600") as (timeout, peer):
        answer = peer.generation.Generate(ANSWER)
        await asyncio.sleep(0.3)
        timeout.send_signal(signal.SIGTERM)
        assert (await answer).choices[0].text == ANSWER.prompt
        assert await asyncio.wait_for(timeout.wait(), 20) in {0, 124, 143}


async def test_two_ctrl_c_in_a_terminal_end_it_at_once(serve):
    keyboard, screen = os.openpty()
    try:
        async with serve(preexec_fn=lambda: os.login_tty(screen)) as (server, peer):
            answer = asyncio.ensure_future(peer.generation.Generate(ANSWER))
            await asyncio.sleep(0.3)
            os.write(keyboard, b"\x03")
            await asyncio.sleep(SIGNALS_APART)
            assert server.returncode is None
            assert not answer.done()
            os.write(keyboard, b"\x03")
            assert await asyncio.wait_for(server.wait(), 10) == 1
            await asyncio.wait([answer])
            answer.exception()
    finally:
        os.close(keyboard)
        os.close(screen)
