"""The store is gone: Chroma's server is killed, and comes back."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from bench.faults.callers import Caller, at_work, prepare, rows_kept, served_again, usage_kept
from bench.faults.row import Row, judged
from bench.faults.server import ECHO, Server
from bench.frontend.server import free_port

GONE_SECONDS = 8.0
TOLD = {"UNAVAILABLE STORE_UNAVAILABLE, retry"}


@contextmanager
def _chroma(folder: Path, port: int) -> Iterator[None]:
    program = Path(sys.executable).with_name("chroma")
    command = [program, "run", "--path", folder / "chroma", "--port", str(port)]
    with (folder / "chroma.log").open("a") as log:  # on a pipe that nobody reads, it hangs
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def _listening(port: int) -> None:
    async with asyncio.timeout(60):
        while True:
            with suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


async def rows(folder: Path) -> AsyncIterator[Row]:
    """Yield the row."""
    port, names = free_port(), ("first", "writer", "searcher", "generates", "embeds")
    sets = (*ECHO, "store.settings.host=127.0.0.1", f"store.settings.port={port}")
    server = Server(folder, names, sets)
    with ExitStack() as chroma:
        chroma.enter_context(_chroma(folder, port))
        await _listening(port)
        async with server.running():
            first, writer, searcher, generates, embeds = (Caller(one, server.client(one)) for one in names)
            await prepare(first)
            works = {
                writer: writer.upsert,
                searcher: searcher.search,
                generates: generates.generate,
                embeds: embeds.embed,
            }
            async with at_work(works):
                await asyncio.sleep(2)
                since = time.monotonic()
                chroma.close()
                await asyncio.sleep(GONE_SECONDS)
                chroma.enter_context(_chroma(folder, port))
                await _listening(port)
                healed = time.monotonic()
                await served_again(writer)
                await served_again(searcher)
            kept = [
                await rows_kept(first.client, first.rows | writer.rows),
                await usage_kept(first.client, generates, embeds),
            ]
    yield judged(
        "store gone (Chroma's server killed, and started again after 8 s)",
        since=since,
        healed=healed,
        hit=[*writer.calls, *searcher.calls],
        beside=[*generates.calls, *embeds.calls],
        expected=TOLD,
        kept=kept,
    )
