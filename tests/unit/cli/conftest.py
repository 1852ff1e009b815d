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
