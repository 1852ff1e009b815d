import asyncio
import io
import signal
import sys

import pytest

from jarvis.cli.main import main


@pytest.fixture(scope="session", autouse=True)
def _ctrl_c():
    """What a shell starts in the background ignores Ctrl-C, and so would all that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def run(capsys, monkeypatch):
    """Runs a command line in a thread, and gives its exit code, standard output and standard error."""
    monkeypatch.delenv("JARVIS_SERVER", raising=False)

    async def run(*arguments: str, stdin: str | bytes = "") -> tuple[int, str, str]:
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(raw), encoding="utf-8"))
        code = await asyncio.to_thread(main, arguments)
        return code, *capsys.readouterr()

    return run


@pytest.fixture
async def address(start):
    """The address of a server with the stand-ins."""
    async with start() as server:
        yield server.instance.addresses[0]


@pytest.fixture
async def answer(fake, serve):
    """Starts the fake anew with methods that answer so, and gives its address."""
    servers = []

    async def start(**answers) -> str:
        for name, response in answers.items():
            setattr(fake, name, _method(fake, response))
        servers.append(serve(fake))
        port = servers[-1].add_insecure_port("127.0.0.1:0")
        await servers[-1].start()
        return f"127.0.0.1:{port}"

    yield start
    for server in servers:
        await server.stop(None)


def _method(fake, response):
    async def method(request, context):
        await fake._begin(request, context)
        return response

    return method
