"""The clock jumps an hour forward, and back, while the server serves: that of the server and all it starts.

Only wall clocks jump; see `clock.c`, which the C compiler makes a library of.
"""

import asyncio
import struct
import subprocess
import time
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

from bench.faults.callers import Caller, at_work, prepare, rows_kept, served_again, usage_kept
from bench.faults.row import Call, Row, judged
from bench.faults.server import ECHO, Server, program
from jarvis.client import JarvisClientError

HOUR = 3600
NAMES = ("first", "streams", "generates", "embeds", "writes", "searches", "limited")
MINUTE_LIMIT = 20
LIMITED = "RESOURCE_EXHAUSTED LIMIT_EXCEEDED, retry"


def _library(folder: Path) -> Path:
    made = folder / "clock.so"
    source = Path(__file__).with_name("clock.c")
    subprocess.run([program("cc"), "-O2", "-Wall", "-shared", "-fPIC", "-o", made, source], check=True)
    return made


async def rows(folder: Path) -> AsyncIterator[Row]:
    """Yield a row for each direction."""
    shift = folder / "shift"
    shift.write_bytes(struct.pack("l", 0))
    environment = {"LD_PRELOAD": str(_library(folder)), "CLOCK_SHIFT": str(shift)}
    sets = (*ECHO, f"callers.limited.requests_per_minute={MINUTE_LIMIT}")
    server = Server(folder, NAMES, sets, environment)
    async with server.running():
        first, *callers = (Caller(one, server.client(one)) for one in NAMES)
        await prepare(first)
        for direction, seconds in (("forward", HOUR), ("back", 0)):
            row = await _row(direction, partial(_shift, shift, seconds), first, callers)
            if late := server.said("DEADLINE_EXCEEDED"):
                row.wrong.append(f"the log says of {late} calls that their deadline had passed")
            yield row


def _shift(file: Path, seconds: int) -> None:
    with file.open("r+b", buffering=0) as opened:
        opened.write(struct.pack("l", seconds))


async def _row(direction: str, jump: partial[None], first: Caller, callers: list[Caller]) -> Row:
    streams, generates, embeds, writes, searches, limited = callers
    works = {
        streams: lambda _: streams.stream(300),
        generates: generates.generate,
        embeds: embeds.embed,
        writes: lambda number: writes.upsert(number + len(writes.calls)),
        searches: searches.search,
    }
    async with at_work(works):
        wrong = await _use_up(limited)
        await asyncio.sleep(1)
        since = time.monotonic()
        jump()
        await served_again(streams)
        await served_again(embeds, times=20)
        wrong += await _let_in_again(limited)
    return judged(
        f"clock jumps an hour {direction}",
        since=since,
        hit=[*streams.calls, *generates.calls, *embeds.calls],
        beside=[*writes.calls, *searches.calls],
        expected=(),
        kept=[
            await rows_kept(first.client, first.rows | writes.rows),
            await usage_kept(first.client, streams, generates, embeds),
        ],
        wrong=wrong,
    )


async def _use_up(limited: Caller) -> list[str]:
    """Have a caller use up what it may use in a minute."""
    for number in range(MINUTE_LIMIT + 1):
        if not await limited.tell(limited.generate(number)):
            break
    last: Call = limited.calls[-1]
    return [] if last.failure == LIMITED else [f"the limited caller was told {last.failure or 'nothing'}"]


async def _let_in_again(limited: Caller) -> list[str]:
    """Wait as long as the caller is told to, which must be a minute at most, and call again."""
    try:
        await limited.client.generate("now?", model="echo", max_tokens=1)
    except JarvisClientError as error:
        wait = error.retry_after
        if wait is None or wait > 60:
            return [f"the limited caller is to wait for {wait} s"]
        await asyncio.sleep(wait + 0.1)
        served = await limited.tell(limited.generate(0))
        return [] if served else ["the limited caller was not let in when it came back"]
    return []
