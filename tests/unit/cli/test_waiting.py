"""A command that waits to repeat a refused call says so."""

import asyncio
import json
import os
import pty
from asyncio.subprocess import PIPE

import grpc
import pytest
from google.rpc import error_details_pb2

from jarvis.client import calls
from tests.command import JARVIS

REASON = error_details_pb2.ErrorInfo(reason="LIMIT_EXCEEDED", domain="jarvis")
WAITS = (
    "jarvis: refused for now (LIMIT_EXCEEDED: too many tokens\\x1b[2J a minute); trying again in {} s, "
    "Ctrl-C to give up\n"
)


@pytest.fixture
def refused(fake, retry_after):
    def refused(seconds):
        fake.fail(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "too many tokens\x1b[2J a minute",
            REASON,
            retry_after(seconds),
        )

    return refused


async def test_each_long_wait_is_one_line_on_standard_error(fake, run, refused, monkeypatch):
    monkeypatch.setattr(calls, "QUIET_SECONDS", 0.1)
    refused(0.2)
    refused(0.2)
    code, out, err = await run("generate", "x", "--json", "--server", fake.address)
    assert (code, json.loads(out)["text"], err) == (0, "Paris.", WAITS.format(0) * 2)


async def test_a_short_wait_is_not_worth_a_word(fake, run, refused):
    refused(0.05)
    code, out, err = await run("generate", "x", "--server", fake.address)
    assert (code, out, err) == (0, "Paris.\n", "")


@pytest.mark.slow
async def test_it_stands_above_a_progress_bar():
    code = (
        "import logging, threading\n"
        "from jarvis.cli.connection import Connection\n"
        "from jarvis.cli.progress import bar\n"
        "with Connection(server='127.0.0.1:1').open(), bar('copying') as show:\n"
        "    show(1, 2)\n"
        "    waits = threading.Thread(target=logging.getLogger('jarvis.client').info, args=['a word'])\n"
        "    waits.start()\n"
        "    waits.join()\n"
    )
    main, end = pty.openpty()
    process = await asyncio.create_subprocess_exec(JARVIS[0], "-c", code, stdout=PIPE, stderr=end)
    out, _ = await asyncio.wait_for(process.communicate(), 30)
    os.close(end)
    shown = os.read(main, 65536).decode()
    os.close(main)
    assert (process.returncode, out) == (0, b"")
    word = "jarvis: a word, Ctrl-C to give up\r\n"
    assert word in shown
    assert "copying" not in shown.partition(word)[0].rpartition("\r")[2], "on a line of its own"
