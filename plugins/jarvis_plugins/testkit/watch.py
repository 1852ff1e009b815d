"""What every case is watched for: what it leaves behind, and how long the event loop stands still."""

import asyncio
import gc
import os
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Self

import psutil

Held = dict[str, set[str]]
"""What this process holds, by kind: `tasks`, `threads`, `descriptors` and `processes`."""

AFTER_A_CASE = {"tasks": 4, "threads": 40, "descriptors": 40, "processes": 4}
"""How many more there may be after a case: an adapter may start its parts, and its pools, when first used."""
AFTER_CLOSING = {"tasks": 0, "threads": 0, "descriptors": 16, "processes": 0}
"""How many more there may be once the adapter is closed; libraries keep a file open here and there."""
STAY = ("asyncio_", "tqdm_monitor")
"""How the names begin of threads that belong to the process: those of asyncio's own pool, and tqdm's one."""
TICK = 0.01
"""Seconds between two ticks of the clock by which the event loop is watched."""
STILL = 0.05
"""Seconds without a turn of the event loop from which on it stands still."""


def held() -> Held:
    """Return what this process holds now."""
    return {
        "tasks": {
            f"{task.get_name()} ({getattr(task.get_coro(), '__qualname__', '?')})"
            for task in asyncio.all_tasks() - {asyncio.current_task()}
        },
        "threads": {
            f"{thread.name} ({thread.ident})"
            for thread in threading.enumerate()
            if not thread.name.startswith(STAY)
        },
        "descriptors": set(_descriptors()),
        "processes": set(_processes()),
    }


async def left(before: Held, most: Mapping[str, int], seconds: float) -> str:
    """Wait until there is at most so much more than before; return what is there after that time, or ''."""
    until = time.monotonic() + seconds
    while True:
        now = held()
        over = {
            kind: now[kind] - before[kind] for kind in now if len(now[kind]) > len(before[kind]) + most[kind]
        }
        if not over:
            return ""
        if time.monotonic() > until:
            return "; ".join(f"{len(new)} {kind}: {', '.join(sorted(new)[:5])}" for kind, new in over.items())
        gc.collect()
        await asyncio.sleep(0.05)


class Stalls:
    """Takes turns in the event loop, and adds up the times, in seconds, for which it got none.

    A thread beside the loop counts the time, in ticks: where a machine is busy, or the interpreter's lock is
    held, the thread is kept waiting as well, and that time is not counted.
    """

    def __init__(self) -> None:
        self.longest = self.total = 0.0
        self._last = self._ticks = 0
        self._over = threading.Event()
        self._clock = threading.Thread(target=self._tick, daemon=True)

    @property
    def share(self) -> float:
        """The share of the time in which the loop stood still."""
        return self.total / (self._last * TICK) if self._last else 0.0

    async def __aenter__(self) -> Self:
        self._clock.start()
        self._turns = asyncio.create_task(self._take_turns())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._look()
        self._turns.cancel()
        self._over.set()
        self._clock.join()

    async def _take_turns(self) -> None:
        while True:
            await asyncio.sleep(TICK / 2)
            self._look()

    def _look(self) -> None:
        now = self._ticks
        gap, self._last = (now - self._last) * TICK, now
        self.longest = max(self.longest, gap)
        self.total += gap if gap > STILL else 0.0

    def _tick(self) -> None:
        while not self._over.wait(TICK):
            self._ticks += 1


def _descriptors() -> list[str]:
    found = []
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - names are all that is wanted
        with suppress(OSError):  # that of the folder itself is closed by now
            found.append(f"{number} to {os.readlink(f'/proc/self/fd/{number}')}")  # noqa: PTH115 - likewise
    return found


def _processes() -> list[str]:
    found = []
    for child in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            command = " ".join(child.cmdline()[:4]) or child.name()
            if "multiprocessing.resource_tracker" not in command:  # which Python itself keeps to the end
                found.append(f"{child.pid} {command}")
    return found
