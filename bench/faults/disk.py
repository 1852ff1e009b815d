"""The disk is full: a small one of memory, which everything that the server keeps is on, and its log."""

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.faults.callers import Caller, at_work, prepare, rows_kept, served_again, usage_kept
from bench.faults.row import Row, judged
from bench.faults.server import Server, program

MEGABYTES = 96
FULL_SECONDS = 10.0
NAMES = ("first", "writer", "searcher", "generates", "embeds")
TOLD = {"INTERNAL STORE_FAILURE, no retry", "UNAVAILABLE STORE_UNAVAILABLE, retry"}


@contextmanager
def _disk(folder: Path) -> Iterator[Path]:
    """Mount a small disk, which only root may."""
    folder = folder / "disk"
    folder.mkdir()
    subprocess.run([program("mount"), "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", folder], check=True)
    try:
        yield folder
    finally:
        subprocess.run([program("umount"), "--lazy", folder], check=True)


def _fill(disk: Path) -> Path:
    """Take all that is left."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        for size in (2**20, 2**12):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    return filler


async def rows(folder: Path) -> AsyncIterator[Row]:
    """Yield the row; none, with a word why, for those who may mount nothing."""
    if os.geteuid():
        raise PermissionError("the disk is mounted, which only root may do")
    with _disk(folder) as disk:
        server = Server(disk, NAMES)
        async with server.running():
            first, writer, searcher, generates, embeds = (Caller(one, server.client(one)) for one in NAMES)
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
                filler = await asyncio.to_thread(_fill, disk)
                await asyncio.sleep(FULL_SECONDS)
                filler.unlink()
                healed = time.monotonic()
                await served_again(writer)
            kept = [
                await rows_kept(first.client, first.rows | writer.rows),
                await usage_kept(first.client, generates, embeds),
            ]
    yield judged(
        f"disk full (for {FULL_SECONDS:g} s)",
        since=since,
        healed=healed,
        hit=writer.calls,
        beside=[*searcher.calls, *generates.calls, *embeds.calls],
        expected=TOLD,
        kept=kept,
    )
