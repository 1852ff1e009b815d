"""The engine is slow, killed, and hung: the real vLLM with the demo model, beside another model."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from bench.faults.callers import Caller, at_work, prepare, rows_kept, served_again, usage_kept
from bench.faults.row import Row, judged, told
from bench.faults.server import ECHO, START_SECONDS, Server
from jarvis.models.catalogue import DEMO_MODEL

SERVICE = "jarvis.v1.GenerationService/demo"
HANG_SECONDS = 20
SLOW_SECONDS, STOPPED, RUNNING = 20.0, 0.9, 0.1
NAMES = ("first", "streams", "streams too", "asks", "generates", "embeds", "searches")
SETS = (
    *ECHO,
    f"models.demo.settings.model={DEMO_MODEL}",
    f"models.demo.settings.hang_seconds={HANG_SECONDS}",
    "models.demo.on_engine_death=restart",
)
GONE = {"UNAVAILABLE ENGINE_DEAD, retry", "UNAVAILABLE MODEL_LOADING, retry"}
Strike = Callable[[list[psutil.Process]], Awaitable[None]]


async def _slow(engine: list[psutil.Process]) -> None:
    """Let the engine's processes have a tenth of the time, for a while."""
    end = time.monotonic() + SLOW_SECONDS
    while time.monotonic() < end:
        for process in engine:
            process.suspend()
        await asyncio.sleep(STOPPED)
        for process in engine:
            process.resume()
        await asyncio.sleep(RUNNING)


async def _kill(engine: list[psutil.Process]) -> None:
    _core(engine).kill()


async def _stop(engine: list[psutil.Process]) -> None:
    _core(engine).suspend()


FAULTS: tuple[tuple[str, Strike, set[str]], ...] = (
    ("engine slow (stopped for 0.9 s of each second, for 20 s)", _slow, set()),
    ("engine killed (SIGKILL)", _kill, GONE),
    (f"engine hung (SIGSTOP; `hang_seconds = {HANG_SECONDS}`)", _stop, GONE),
)


async def rows(folder: Path) -> AsyncIterator[Row]:
    """Yield a row for each fault, one after another on the same server."""
    server = Server(folder, NAMES, SETS)
    async with server.running():
        first, *callers = (Caller(one, server.client(one)) for one in NAMES)
        await prepare(first)
        await server.serving(SERVICE)
        for fault, strike, expected in FAULTS:
            yield await _row(fault, strike, expected, server, [first, *callers])


async def _row(fault: str, strike: Strike, expected: set[str], server: Server, callers: list[Caller]) -> Row:
    first, streams, too, asks, generates, embeds, searches = callers
    works = {
        streams: lambda _: streams.stream(24, "demo"),
        too: lambda _: too.stream(24, "demo"),
        asks: partial(asks.generate, model="demo"),
        generates: generates.generate,
        embeds: embeds.embed,
        searches: searches.search,
    }
    async with at_work(works):
        await served_again(streams, 120, times=1)
        since = time.monotonic()
        await strike(_engine(server))
        if expected:
            await streams.until(lambda: bool(told(streams.calls, since)), START_SECONDS)
        await asyncio.gather(*(served_again(one, START_SECONDS, times=1) for one in (streams, too, asks)))
    return judged(
        fault,
        since=since,
        hit=[*streams.calls, *too.calls, *asks.calls],
        beside=[*generates.calls, *embeds.calls, *searches.calls],
        expected=expected,
        kept=[await rows_kept(first.client, first.rows), await usage_kept(first.client, *callers[1:-1])],
    )


def _engine(server: Server) -> list[psutil.Process]:
    """Return the processes of the engine: vLLM names them."""
    return [process for process in server.started() if "VLLM" in _title(process)]


def _core(engine: list[psutil.Process]) -> psutil.Process:
    return next(process for process in engine if "EngineCore" in _title(process))


def _title(process: psutil.Process) -> str:
    with suppress(psutil.NoSuchProcess):
        return " ".join([process.name(), *process.cmdline()])
    return ""
