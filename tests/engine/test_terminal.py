"""`jarvis serve` in a real terminal, below make, bash and a pipe: Ctrl-C is for the server alone.

One log, in files, takes what the server says, vLLM in it, and vLLM's own processes.
"""

import asyncio
import os
import shlex
from contextlib import contextmanager

import pytest

from jarvis.v1 import generation_pb2 as pb
from tests.engine.support import START, TOO_EARLY, read

pytestmark = pytest.mark.engine
CTRL_C = b"\x03"
ENDLESS = pb.GenerateStreamRequest(
    prompt="Once", sampling=pb.SamplingParams(ignore_eos=True, max_tokens=2000)
)
MAKEFILE = """
SHELL = /bin/bash
serve:
\t@trap : INT; {jarvis} 2>&1 | /usr/bin/tee log; echo $${{PIPESTATUS[0]}} >code
"""


@contextmanager
def terminal():
    """Both ends of a terminal."""
    ours, theirs = os.openpty()
    try:
        yield ours, theirs
    finally:
        os.close(ours)
        os.close(theirs)


async def test_ctrl_c_lets_a_stream_finish_and_leaves_nothing_but_the_files_that_the_log_went_to(
    serve_command, connect, tiny, tmp_path, still_there, rest, process_tree
):
    to_files = [f'log.file="{tmp_path}/jarvis.log"', "log.max_file_bytes=4096", "log.backup_files=50"]
    line, env, address = serve_command(tmp_path, *tiny, *to_files, "server.drain_delay_seconds=0.2")
    (tmp_path / "Makefile").write_text(MAKEFILE.format(jarvis=shlex.join(line).replace("$", "$$")))
    with terminal() as (keyboard, screen):
        make = await asyncio.create_subprocess_exec(
            "/usr/bin/make", "serve", cwd=tmp_path, env=env, preexec_fn=lambda: os.login_tty(screen)
        )
        async with process_tree(make) as processes, connect(address) as peer:
            await peer.serving(START)
            call = peer.generation.GenerateStream(ENDLESS)
            await call.read()
            started = processes()
            os.write(keyboard, CTRL_C)
            events = await rest(call)

            assert events[-1].finished.usage.completion_tokens == 2000
            await asyncio.wait_for(make.wait(), 60)
            assert still_there(started) == []
    assert (tmp_path / "code").read_text() == "0\n"
    assert (tmp_path / "log").read_text().replace(f"{TOO_EARLY}\n", "") == ""
    files = list(tmp_path.glob("jarvis.log*"))
    lines = [line for file in files for line in read(file)]
    assert len(files) > 2
    assert {"jarvis.server.lifecycle", "vllm.v1.engine.core"} <= {line["logger"] for line in lines}
    assert not [line for line in lines if "did not end" in line["message"]]
