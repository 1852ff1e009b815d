"""Writes with an adapter in a process of its own, which is killed as soon as it says that it has written."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from importlib import import_module
from threading import Timer
from typing import Any

from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import PortName

PROGRAM = "from jarvis_plugins.testkit.killed import main; main()"
WRITTEN = "all is written"
SECONDS = 120.0
"""The most seconds until a process has opened the adapter and written."""

Write = Callable[[Any], Awaitable[None]]
"""A function of a module, which writes with the adapter that it is given."""


def write_and_kill(port: PortName, adapter: str, settings: dict[str, Any], write: Write) -> None:
    """Open the adapter in another process, write, and kill that."""
    arguments = [write.__module__, write.__name__, port, adapter, json.dumps(settings, default=str)]
    with subprocess.Popen(  # noqa: S603 - it runs this module
        [sys.executable, "-c", PROGRAM, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ},
    ) as child:
        too_late = Timer(SECONDS, child.kill)
        too_late.start()
        try:
            assert child.stdout
            written = any(line.strip() == WRITTEN for line in child.stdout)
        finally:
            too_late.cancel()
            child.kill()
    assert written, f"the process that writes failed, or was not ready after {SECONDS} seconds"


def main() -> None:
    """Write as the arguments say, say so, and wait for the kill."""
    module, name, port, adapter, settings = sys.argv[1:]
    asyncio.run(_write(getattr(import_module(module), name), PortName(port), adapter, json.loads(settings)))


async def _write(write: Write, port: PortName, adapter: str, settings: dict[str, Any]) -> None:
    registered = load_plugins().get(port, adapter)
    async with registered.factory(registered.settings.model_validate(settings)) as opened:
        await write(opened)
        print(WRITTEN, flush=True)  # noqa: T201 - it is read above
        await asyncio.to_thread(sys.stdin.read)  # or until the process above is gone
