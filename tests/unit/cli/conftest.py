import asyncio
import io
import sys

import pytest

from jarvis.cli.main import main


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
