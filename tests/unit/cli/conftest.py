import asyncio
import io
import runpy
import sys
from pathlib import Path

import pytest

from jarvis.cli.main import main

_client = runpy.run_path(str(Path(__file__).parents[1] / "client" / "conftest.py"))
fake = _client["fake"]
retry_after = _client["retry_after"]


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
