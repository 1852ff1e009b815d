"""Measures what the tiers of the cache find, and how fast: `python -m bench.cache --help`."""

import argparse
import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from bench.adapters import opened, real_embedder
from bench.arguments import make_parser, positive_int
from bench.cache.measure import Counted, Times, look_up, time_to_vector, zipf
from bench.found import Found
from jarvis.core.embedding import Embedding
from jarvis.core.telemetry.instruments import Instruments
from jarvis_plugins.registry import PortName

DIMENSION = 384
MEMORY_ENTRIES = 5000


def main() -> int:
    """Measure, and print Markdown."""
    args = _parser().parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    with tempfile.TemporaryDirectory() as folder, Found(args.json, _print) as found:
        asyncio.run(_run(args, folder, found))
    return 0


def _print(found: Found) -> None:
    print("\n| look-ups | found | in memory | on disk | look-ups/s |\n|---|---|---|---|---|")
    for phase in found.of("phases"):
        print(phase.row())
    print("\n| a vector from | median, µs | 95 % below, µs |\n|---|---|---|")
    for times in found.of("microseconds"):
        print(f"| {times.source} | {times.median:,.0f} | {times.p95:,.0f} |")


async def _run(args: argparse.Namespace, folder: str, found: Found) -> None:
    draws = [zipf(args.texts, args.lookups, args.exponent, seed) for seed in range(3)]
    async with _tiers(folder) as (embedding, tiers):
        found.add("phases", await look_up("cold", embedding, tiers, draws[0]))
        await embedding.flush()
        found.add("phases", await look_up("warm", embedding, tiers, draws[1]))
        await embedding.flush()
    async with _tiers(folder) as (embedding, tiers):
        found.add("phases", await look_up("after a restart", embedding, tiers, draws[2]))
        await embedding.flush()
    async for times in _times(folder, draws[0]):
        found.add("microseconds", times)


@asynccontextmanager
async def _tiers(folder: str) -> AsyncIterator[tuple[Embedding, Sequence[Counted]]]:
    """Open the caches as the server does by default, in front of a model that costs next to nothing."""
    async with (
        opened(PortName.EMBEDDER, "hashing", dimension=DIMENSION) as embedder,
        opened(PortName.CACHE, "memory", max_entries=MEMORY_ENTRIES) as memory,
        opened(PortName.CACHE, "diskcache", path=folder) as disk,
    ):
        tiers = [Counted(memory), Counted(disk)]
        yield (
            Embedding(
                embedder,
                [tier.component for tier in tiers],
                max_batch_tokens=16_384,
                instruments=Instruments(),
            ),
            tiers,
        )


async def _times(folder: str, draw: Sequence[str]) -> AsyncIterator[Times]:
    """Time one look-up after another of texts that the only tier has, and of texts without a cache."""
    some = list(dict.fromkeys(draw))[:500]
    for name, adapter, settings in (
        ("memory", "memory", {}),
        ("disk", "diskcache", {"path": str(Path(folder, "one"))}),
    ):
        async with (
            opened(PortName.EMBEDDER, "hashing", dimension=DIMENSION) as embedder,
            opened(PortName.CACHE, adapter, **settings) as cache,
        ):
            embedding = Embedding(embedder, [cache], max_batch_tokens=16_384, instruments=Instruments())
            await time_to_vector(name, embedding, some)
            await embedding.flush()
            yield await time_to_vector(name, embedding, some)
    async with real_embedder() as embedder:
        embedding = Embedding(embedder, [], max_batch_tokens=16_384, instruments=Instruments())
        name = "the model (all-MiniLM-L6-v2)"
        await time_to_vector(name, embedding, some[:20])
        yield await time_to_vector(name, embedding, some[:100])


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.cache",
        "Hit rates of the caches of vectors, memory (5,000 entries) before disk, when texts are "
        "drawn by Zipf's law, one look-up after another; and the time to a vector from each.",
    )
    parser.add_argument("--texts", type=positive_int, default=20_000, help="different texts")
    parser.add_argument("--lookups", type=positive_int, default=200_000, help="look-ups of each phase")
    parser.add_argument("--exponent", type=float, default=1.1, help="of Zipf's law")
    return parser


if __name__ == "__main__":
    sys.exit(main())
