"""Measures what telemetry costs: `python -m bench.telemetry --help`."""

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import uvloop

from bench import tiny_model
from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.frontend import engine, jarvis_server, report
from bench.frontend.load import Generate, Plan, one_round
from bench.frontend.server import free_port

SIDES = ("off", "off, once more", "on, scraped", "and traced")
SCRAPE_SECONDS = 5.0
"""Seconds between two scrapes: a third of the interval in deploy/prometheus/prometheus.yml."""


def main() -> int:
    """Measure every side in turn, round by round."""
    args = _parser().parse_args()
    plan = Plan((args.streams,), args.rounds, args.tokens)
    os.environ.update(engine.ENVIRONMENT)
    try:
        with tempfile.TemporaryDirectory() as folder:
            arguments = engine.arguments(tiny_model.make(Path(folder, "tiny")))
            about = {"plan": asdict(plan), "engine": arguments}
            with Found(args.json, partial(report.print_tables, SIDES, plan.streams), **about) as found:
                uvloop.run(_run(arguments, plan, found))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


async def _run(arguments: dict[str, Any], plan: Plan, found: Found) -> None:
    """Start all sides, then run rounds of each, in a new random order each time."""
    off = ("telemetry.adapter=none", "log.level=error")
    starts = (
        jarvis_server.start(arguments, *off),
        jarvis_server.start(arguments, *off),
        _scraped(arguments),
        _traced(arguments),
    )
    async with AsyncExitStack() as stack:
        sides = {
            name: await stack.enter_async_context(start) for name, start in zip(SIDES, starts, strict=True)
        }
        random_ = random.Random()  # noqa: S311
        for number in range(plan.rounds + 1):
            print(f"round {number} of {plan.rounds}", file=sys.stderr)
            for name in random_.sample(list(sides), len(sides)):
                measured = await one_round(sides[name], plan.streams[0], plan, random_)
                if number:  # the first round warms up
                    found.add(name, measured)


@asynccontextmanager
async def _scraped(arguments: dict[str, Any], *sets: str) -> AsyncIterator[Generate]:
    """Run the server, and read its metrics regularly, as Prometheus does."""
    address = f"127.0.0.1:{free_port()}"

    async def scrape() -> None:
        async with aiohttp.ClientSession(raise_for_status=True) as session:
            while True:
                async with session.get(f"http://{address}/metrics") as response:
                    await response.read()
                await asyncio.sleep(SCRAPE_SECONDS)

    async with (
        jarvis_server.start(arguments, f'http.listen="{address}"', *sets) as generate,
        asyncio.TaskGroup() as tasks,
    ):
        scraping = tasks.create_task(scrape())
        yield generate
        scraping.cancel()


@asynccontextmanager
async def _traced(arguments: dict[str, Any]) -> AsyncIterator[Generate]:
    """Run the server with every request traced, to a port that accepts connections but never answers."""
    held: list[object] = []
    silent = await asyncio.start_server(lambda *connection: held.append(connection), "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with (
        silent,
        _scraped(arguments, f'telemetry.settings.otlp_endpoint="http://127.0.0.1:{port}"') as generate,
    ):
        yield generate


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.telemetry",
        "Tokens/s and time to first token of Jarvis with telemetry off; on, as it is by default, "
        "and scraped every 5 s; and with every request traced besides, to an endpoint that hangs. The "
        "engine is vLLM on one tiny model made on the spot.",
    )
    parser.add_argument("--rounds", type=positive_int, default=10, help="rounds of each, in turn")
    parser.add_argument("--tokens", type=positive_int, default=128, help="tokens of each answer")
    parser.add_argument("--streams", type=positive_int, default=64, help="streams at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
