"""The cache on disk is damaged: its file is overwritten, before a start and while the server serves."""

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

from bench.faults.callers import Caller, at_work, served_again, usage_kept
from bench.faults.row import Call, Kept, Row, judged
from bench.faults.server import Server
from jarvis.client import JarvisClient

TEXTS = [f"text {number} of those whose vectors are in the cache" for number in range(32)]
SET_ASIDE = "set aside, and begun anew"
NOT_UP = "not up yet"
NAMES = ("first", "embeds", "generates")


def _overwrite(folder: Path) -> None:
    """Replace every byte of the file, and of what belongs to it; their lengths stay."""
    for file in folder.glob("cache.db*"):
        with file.open("r+b") as opened:
            opened.write(os.urandom(file.stat().st_size))


async def _vectors(client: JarvisClient) -> tuple[list[list[float]], int]:
    """Return the vectors of the texts, and how many of them came from the cache."""
    found = await client.embed(TEXTS)
    return found.lists(), sum(found.cached)


def _near(one: list[list[float]], other: list[list[float]]) -> int:
    """Count the vectors of length 1 that are the same, but for the precision of a batch."""
    pairs = zip(one, other, strict=True)
    return sum(sum(a * b for a, b in zip(*pair, strict=True)) > 0.999 for pair in pairs)


async def rows(folder: Path) -> AsyncIterator[Row]:
    """Yield a row for the start, and one for a server that serves."""
    server = Server(folder, NAMES)
    async with server.running():
        first = Caller("first", server.client("first"))
        right, _ = await _vectors(first.client)
    _overwrite(folder / "cache")
    since = time.monotonic()
    async with server.running():
        started = time.monotonic()
        callers = [Caller(one, server.client(one)) for one in NAMES]
        yield await _row("cache damaged before a start", since, started, callers, right, server)
        since = time.monotonic()
        _overwrite(folder / "cache")
        yield await _row("cache damaged while serving", since, None, callers, right, server)


async def _row(  # noqa: PLR0913, PLR0917 - what it needs
    fault: str,
    since: float,
    started: float | None,
    callers: list[Caller],
    right: list[list[float]],
    server: Server,
) -> Row:
    first, embeds, generates = callers
    noticed = 0 if started else server.said(SET_ASIDE)
    async with at_work({embeds: embeds.embed, generates: generates.generate}):
        vectors, cached = await _vectors(first.client)
        await served_again(embeds, times=20)
        await asyncio.sleep(0.5)  # what is new is written in the background
        _, cached_again = await _vectors(first.client)
    # A start is not served until it is over.
    start = [Call(since, started, NOT_UP)] if started else []
    return judged(
        fault,
        since=since,
        hit=[*start, *embeds.calls],
        beside=generates.calls,
        expected={NOT_UP} if started else (),
        kept=[
            Kept("vectors", len(right), _near(vectors, right)),
            await usage_kept(first.client, generates, embeds),
        ],
        wrong=[
            *(["the damaged cache gave vectors"] if cached and started else []),
            *([] if server.said(SET_ASIDE) == noticed + 1 else ["the damage was not noticed"]),
            *([] if cached_again == len(TEXTS) else ["the cache keeps nothing afterwards"]),
        ],
    )
