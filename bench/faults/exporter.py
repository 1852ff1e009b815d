"""The exporter hangs: traces and metrics go to an address that takes connections, and never answers."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

from bench.faults.callers import Caller, at_work, prepare, rows_kept, served_again, usage_kept
from bench.faults.row import Row, judged
from bench.faults.server import ECHO, Server
from jarvis.client import JarvisClient, State

NOTICED_SECONDS = 60
NAMES = ("first", "generates", "streams", "embeds", "searches")


async def rows(folder: Path) -> AsyncIterator[Row]:
    """Yield the row."""
    held: list[object] = []
    silent = await asyncio.start_server(lambda *connection: held.append(connection), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    endpoint = f'telemetry.settings.otlp_endpoint="http://127.0.0.1:{port}"'
    server = Server(folder, NAMES, (*ECHO, endpoint, "telemetry.settings.export_seconds=1"))
    wrong: list[str] = []
    async with silent:
        async with server.running():
            since = time.monotonic()
            first, generates, streams, embeds, searches = (Caller(one, server.client(one)) for one in NAMES)
            await prepare(first)
            works = {
                generates: generates.generate,
                streams: lambda _: streams.stream(50),
                embeds: embeds.embed,
                searches: searches.search,
            }
            async with at_work(works):
                wrong += [] if await _noticed(first.client) else ["the operator is not told"]
                await asyncio.sleep(10)
                await served_again(streams)
            kept = [
                await rows_kept(first.client, first.rows),
                await usage_kept(first.client, generates, streams, embeds),
            ]
            stopping = time.monotonic()
        if server.process.returncode:
            wrong.append(f"the server ended with code {server.process.returncode}")
        stopped = time.monotonic() - stopping
    yield judged(
        f"telemetry exporter hung (it then took {stopped:.1f} s to stop)",
        since=since,
        hit=[*generates.calls, *streams.calls],
        beside=[*embeds.calls, *searches.calls],
        expected=(),
        kept=kept,
        wrong=wrong,
    )


async def _noticed(client: JarvisClient) -> bool:
    """Return whether the status says within a minute that telemetry has failed."""
    for _ in range(NOTICED_SECONDS):
        parts = (await client.status()).components
        if any(part.port == "telemetry" and part.state is State.FAILED for part in parts):
            return True
        await asyncio.sleep(1)
    return False
