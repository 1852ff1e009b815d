"""SIGTERM, to the server alone, and Ctrl-C, to all that it has started as well, in each phase of its life."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil

from bench.faults.callers import Caller, prepare, rows_kept, usage_kept
from bench.faults.row import Kept, Row, listed
from bench.faults.server import Server
from jarvis.client import HealthStatus

PHASES = ("starting", "models loading", "serving idle", "streams open", "draining (the second one)")
STREAMS, TOKENS = 4, 60
END_SECONDS = 30.0
APART = 0.7
"""Seconds between two signals that do not count as one."""
SETS = (
    "models.echo.adapter=echo",
    "models.echo.settings.tokens_per_second=20",
    "models.slow.adapter=echo",
    "models.slow.settings.load_seconds=3",
    "default_route=slow",
)
CUT = {"UNAVAILABLE without a reason, no retry", "no connection"}
"""What a caller may be told whose server ends at once."""


async def rows(folder: Path) -> AsyncIterator[Row]:
    """Yield a row for each signal and phase; each start is also that after the one before."""
    server = Server(folder, ("first", "streams"), SETS)
    async with server.running():
        first = Caller("first", server.client("first"))
        await prepare(first)
        stored = first.rows
    acknowledged = 0
    for name in ("SIGTERM", "SIGINT"):
        for phase in PHASES:
            row, tokens = await _row(server, getattr(signal, name), phase, stored, acknowledged)
            acknowledged += tokens
            yield row


async def _row(
    server: Server, number: signal.Signals, phase: str, stored: dict[str, str], before: int
) -> tuple[Row, int]:
    """Return the row, and how many tokens were acknowledged; see `rows`."""
    logged = server.log.stat().st_size
    streams, calls, begun = await _until(server, phase)
    started = server.started()
    if phase == PHASES[-1]:
        _send(server, number)
        await asyncio.sleep(APART)
        started = server.started()
    _send(server, number)
    struck = time.monotonic()
    wrong: list[str] = []
    try:
        code = await asyncio.wait_for(server.process.wait(), END_SECONDS)
    except TimeoutError:
        wrong.append("it did not end")
        code = None
    took = time.monotonic() - struck
    await asyncio.gather(*calls)
    await streams.client.close()
    _, alive = await asyncio.to_thread(psutil.wait_procs, started, 3)
    if alive:
        wrong.append(f"{len(alive)} processes were left behind")
    said = server.log.read_bytes()[logged:].decode(errors="replace")
    traceback = "Traceback" in said
    if traceback and phase != PHASES[0]:
        wrong.append("it ended with a traceback")
    wrong += _judged(phase, code, number, streams)
    whole = sum(not call.failure for call in streams.calls)
    await server.stop()
    served, kept = await _again(server, stored, before + streams.tokens)
    wrong += [f"lost: {one}" for one in kept if one.there < one.acknowledged]
    hit = f"exit code {code} after {took:.1f} s"
    if calls:
        others = sorted({call.failure for call in streams.calls if call.failure})
        hit += "; " + "; ".join([f"{whole} of {begun} streams whole", *others])
    hit += " (with the traceback of Python's own start)" if traceback and phase == PHASES[0] else ""
    fault = f"{'SIGTERM' if number is signal.SIGTERM else 'Ctrl-C'}, {phase}"
    row = Row(fault, hit, "-", listed(kept), f"{served:.1f} s after the next start", wrong)
    return row, streams.tokens


async def _until(server: Server, phase: str) -> tuple[Caller, list[asyncio.Task[bool]], int]:
    """Start the server and wait for the phase; return who calls it then."""
    await server.start()
    calls: list[asyncio.Task[bool]] = []
    if phase == "starting":
        await asyncio.sleep(0.5)
    elif phase == "models loading":
        await server.serving("", HealthStatus.NOT_SERVING)
    else:
        await server.serving()
    streams = Caller("streams", server.client("streams"))
    if phase in PHASES[3:]:
        calls = [asyncio.create_task(streams.tell(streams.stream(TOKENS))) for _ in range(STREAMS)]
        await asyncio.sleep(0.5)
    return streams, calls, len(calls)


def _send(server: Server, number: signal.Signals) -> None:
    """Send SIGTERM to the server, and SIGINT to its group, as a terminal does."""
    if number is signal.SIGTERM:
        server.process.send_signal(number)
    else:
        os.killpg(server.process.pid, number)


def _judged(phase: str, code: int | None, number: signal.Signals, streams: Caller) -> list[str]:
    """Return what is wrong with how the server ended, and with what its callers were told."""
    match phase:
        case "starting":
            right = {0, 1, 128 + number, -number}  # before it has heard of signals, it ends as any process
        case "draining (the second one)":
            right = {1}
        case _:
            right = {0}
    wrong = [] if code in right else [f"exit code {code}"]
    allowed = CUT if phase == PHASES[-1] else set()
    return wrong + [
        f"was told {call.failure}" for call in streams.calls if call.failure not in {"", *allowed}
    ]


async def _again(server: Server, stored: dict[str, str], tokens: int) -> tuple[float, list[Kept]]:
    """Start the server once more, and return how long that took, and what it still has."""
    await server.start()
    served = await server.serving()
    first, streams = (Caller(name, server.client(name)) for name in ("first", "streams"))
    streams.tokens = tokens
    kept = [await rows_kept(first.client, stored), await usage_kept(first.client, streams)]
    for caller in (first, streams):
        await caller.client.close()
    await server.stop()
    return served, kept
