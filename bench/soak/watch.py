"""Samples the processes of a server from outside, and its own count of tasks."""

import asyncio
import re
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil

from bench.health.callers import calling
from bench.soak.server import Running

MIB = 2**20
TASKS = re.compile(r"^jarvis_tasks (\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sample:
    """What the figures were, by name, so many seconds after the watch began, and what callers did then."""

    seconds: float
    phase: str
    figures: dict[str, float]


class Watch:
    """Keeps the samples of a server.

    Attributes:
        phase: what the callers do; whoever directs them sets it.
        samples: what was found.
    """

    def __init__(self, server: Running) -> None:
        self._server = server
        self._begin = time.monotonic()
        self.phase = ""
        self.samples: list[Sample] = []

    async def sample(self) -> None:
        """Take a sample."""
        phase = self.phase
        async with (
            aiohttp.ClientSession() as client,
            client.get(f"http://{self._server.http}/metrics", raise_for_status=True) as page,
        ):
            (tasks,) = TASKS.findall(await page.text())
        figures = await asyncio.to_thread(_figures, self._server)
        seconds = time.monotonic() - self._begin
        self.samples.append(Sample(seconds, phase, {**figures, "tasks of the server": float(tasks)}))

    @asynccontextmanager
    async def every(self, seconds: float) -> AsyncIterator[None]:
        """Take a sample every so many seconds while the block runs.

        Raises:
            RuntimeError: a sample could not be taken.
        """

        async def go_on() -> None:
            while True:
                await self.sample()
                await asyncio.sleep(seconds)

        async with calling([go_on()]):
            yield


def _figures(server: Running) -> dict[str, float]:
    """Return what the system knows of the server."""
    children = server.process.children(recursive=True)
    engine = [child for child in children if "VLLM" in _title(child)]
    store = [child for child in children if "chroma.child" in _title(child)]
    return {
        "memory of the server, MiB": _memory([server.process]),
        "memory of the engine, MiB": _memory(engine),
        "memory of the store, MiB": _memory(store),
        "data on the disk, MiB": sum(map(_size, server.data.rglob("*"))) / MIB,
        "threads of the server": server.process.num_threads(),
        "threads of the engine": sum(process.num_threads() for process in engine),
        "open files of the server": server.process.num_fds(),
        "open files of the engine": sum(process.num_fds() for process in engine),
        "processes": 1 + len(children),
    }


def _title(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return " ".join([process.name(), *process.cmdline()])
    return ""


def _memory(processes: Iterable[psutil.Process]) -> float:
    return sum(process.memory_info().rss for process in processes) / MIB


def _size(path: Path) -> int:
    with suppress(FileNotFoundError):  # SQLite's journals come and go
        return path.stat().st_size if path.is_file() else 0
    return 0
