"""The command as a process: signals, pipes and terminals."""

import asyncio
import os
import pty
import signal
import subprocess
import sys
import time
from asyncio.subprocess import PIPE

import grpc
import pytest

from tests.certificates import certificate
from tests.command import JARVIS

pytestmark = pytest.mark.slow


async def start(*arguments, **streams):
    return await asyncio.create_subprocess_exec(*JARVIS, *arguments, stdout=PIPE, stderr=PIPE, **streams)


async def test_ctrl_c_ends_an_answer_with_130_and_cancels_the_request(fake):
    fake.hang_after_text = True
    process = await start("generate", "x", "--server", fake.address)
    assert await asyncio.wait_for(process.stdout.readexactly(6), 30) == b"Paris."
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 130
    assert (out, err) == (b"\n", b"")
    await asyncio.wait_for(fake.cancelled.wait(), 5)


async def test_ctrl_c_ends_a_reload_with_130_and_cancels_it(fake):
    fake.delay = 60
    process = await start("adapters", "reload", "llm", "demo", "--server", fake.address)
    async with asyncio.timeout(30):
        while not fake.requests:
            await asyncio.sleep(0.01)
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (process.returncode, out) == (130, b"")
    assert err == b"asking for a new instance of llm demo; this ends when it has taken over\n"
    await asyncio.wait_for(fake.cancelled.wait(), 5)


async def test_a_reader_that_goes_away_is_no_traceback(fake):
    fake.texts = ["line\n"] * 20_000
    process = await asyncio.create_subprocess_shell(
        f"jarvis generate x --server {fake.address} | head -1", stdout=PIPE, stderr=PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert (out, err) == (b"line\n", b"")


async def test_a_server_that_is_not_there_is_one_line_within_two_seconds():
    start_time = time.monotonic()
    process = await start("status", "--server", "127.0.0.1:1")
    out, err = await process.communicate()
    assert time.monotonic() - start_time < 2
    assert (process.returncode, out) == (1, b"")
    assert err.startswith(b"jarvis: cannot connect to 127.0.0.1:1: ")
    assert err.count(b"\n") == 1


async def test_a_tls_failure_is_one_line(fake, tmp_path):
    certificate(tmp_path, "ca")
    process = await start("health", "--server", fake.address, "--tls-ca", str(tmp_path / "ca.pem"))
    out, err = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert err.startswith(b"jarvis: cannot connect to ")
    assert err.count(b"\n") == 1


async def test_a_file_without_certificates_is_named(fake, tmp_path):
    (tmp_path / "ca.pem").write_text("no certificate")
    process = await start("health", "--server", fake.address, "--tls-ca", str(tmp_path / "ca.pem"))
    out, err = await process.communicate()
    assert (process.returncode, out) == (2, b"")
    assert b"ca.pem has no certificates in PEM" in err
    assert err.count(b"\n") == 1


def test_help_imports_nothing_slow():
    code = (
        "import sys\n"
        "from jarvis.cli.main import main\n"
        "main(['--help'])\n"
        "slow = {'grpc', 'google.protobuf', 'uvloop', 'rich', 'pluggy', 'torch', 'vllm', 'transformers'}\n"
        "sys.exit(str(sorted(slow & sys.modules.keys())))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"


class Terminal:
    """A chat at a pseudo-terminal."""

    def __init__(self, fake) -> None:
        self.fake = fake
        self.seen = ""

    async def __aenter__(self):
        self.main, end = pty.openpty()
        environment = {**os.environ, "TERM": "dumb"}
        self.process = await asyncio.create_subprocess_exec(
            *JARVIS, "chat", "--server", self.fake.address, stdin=end, stdout=end, stderr=end, env=environment
        )
        os.close(end)
        os.set_blocking(self.main, False)
        return self

    async def __aexit__(self, *_) -> None:
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        os.close(self.main)

    def type(self, text: str) -> None:
        os.write(self.main, text.encode())

    async def expect(self, text: str) -> None:
        """Read until the text is there, and forget what was read up to it."""
        async with asyncio.timeout(30):
            while text not in self.seen:
                try:
                    self.seen += os.read(self.main, 65536).decode().replace("\r\n", "\n")
                except BlockingIOError:
                    await asyncio.sleep(0.02)
        self.seen = self.seen.partition(text)[2]


@pytest.fixture
async def terminal(fake):
    async with Terminal(fake) as terminal:
        yield terminal


async def test_ctrl_d_leaves_a_chat(terminal):
    await terminal.expect("> ")
    terminal.type("Hi\n")
    await terminal.expect("Paris.\n> ")
    terminal.type("\x04")
    assert await asyncio.wait_for(terminal.process.wait(), 30) == 0


async def test_ctrl_c_stops_an_answer_and_the_chat_goes_on(fake, terminal):
    fake.hang_after_text = True
    await terminal.expect("> ")
    terminal.type("Hi\n")
    await terminal.expect("Paris.")
    terminal.process.send_signal(signal.SIGINT)
    await terminal.expect("\n> ")
    await asyncio.wait_for(fake.cancelled.wait(), 5)
    fake.hang_after_text = False
    terminal.type("And?\n")
    await terminal.expect("Paris.\n> ")
    assert [message.content for message in fake.requests[1].messages] == ["Hi", "Paris.", "And?"]


async def test_ctrl_c_at_the_prompt_says_how_to_leave(terminal):
    await terminal.expect("> ")
    await asyncio.sleep(0.5)  # readline prints its prompt a moment before it listens to signals
    terminal.process.send_signal(signal.SIGINT)
    await terminal.expect("(Ctrl-D leaves)\n> ")


async def test_a_failure_at_a_terminal_does_not_end_the_chat(fake, terminal):
    fake.fail(grpc.StatusCode.INTERNAL, "engine failure")
    await terminal.expect("> ")
    terminal.type("Hi\n")
    await terminal.expect("jarvis: engine failure\n> ")
    terminal.type("Again\n")
    await terminal.expect("Paris.\n> ")
    assert [message.content for message in fake.requests[1].messages] == ["Again"]
