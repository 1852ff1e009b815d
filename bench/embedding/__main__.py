"""What batching over callers gains: `python -m bench.embedding --help`."""

import argparse
import asyncio
import json
import os
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from itertools import product
from pathlib import Path

from bench.adapters import real_embedder
from bench.arguments import positive_int
from bench.corpus import docstrings
from jarvis.config import Config
from jarvis.core.component import Component
from jarvis.core.embedding import Embedding
from jarvis.core.instruments import Instruments
from jarvis_ports.embedding import Embedder, TextRole

DOCUMENT = TextRole.DOCUMENT
LOOP, ONE_BATCH, BATCHES_OF_8, JARVIS = "a loop", "one batch", "sorted, batches of 8", "Jarvis"
MAX_CHARACTERS = 1000
Side = Callable[[Sequence[str]], Awaitable[None]]
Results = dict[str, dict[str, list[float]]]
"""Texts a second, each round: by callers at once and what they send, and by side."""


def main() -> int:
    """Measure every side in turn, in each round with texts of its own."""
    args = _parser().parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    results = asyncio.run(_run(args.callers, args.requests, args.rounds))
    if args.json:
        args.json.write_text(json.dumps(results, indent=2) + "\n", encoding="utf-8")
    _print(results)
    return 0


async def _run(callers: Sequence[int], requests: int, rounds: int) -> Results:
    found: Results = {}
    kinds = {
        "questions": [text.first for text in docstrings()],
        "passages": [f"{text.first}. {text.rest}"[:MAX_CHARACTERS] for text in docstrings()],
    }
    async with real_embedder() as component:
        for (kind, texts), number in product(kinds.items(), callers):
            drawn = random.Random(0).sample(texts, number * requests * (rounds + 1))  # noqa: S311 - no secret
            sides = _sides(component, number, requests)
            speeds: dict[str, list[float]] = {name: [] for name in sides}
            for position in range(rounds + 1):
                print(f"{kind}, {number} callers, round {position} of {rounds}", file=sys.stderr)
                part = drawn[position :: rounds + 1]
                for name in list(sides)[:: -1 if position % 2 else 1]:
                    started = time.perf_counter()
                    await sides[name](part)
                    speeds[name].append(len(part) / (time.perf_counter() - started))
            found[f"{number} callers, {kind}"] = {
                name: values[1:] for name, values in speeds.items()
            }  # the first warms up
    return found


def _sides(component: Component[Embedder], callers: int, requests: int) -> dict[str, Side]:
    embedder = component.port
    most = Config().embedder.max_batch_tokens
    embedding = Embedding(component, [], max_batch_tokens=most, instruments=Instruments())

    async def loop(part: Sequence[str]) -> None:
        for text in part:
            await embedder.embed([text], DOCUMENT)

    async def batches(part: Sequence[str], size: int) -> None:
        ordered = sorted(part, key=len)
        for start in range(0, len(part), size):
            await embedder.embed(ordered[start : start + size], DOCUMENT)

    async def caller(own: Sequence[str]) -> None:
        for text in own:
            await embedding.embed([text], DOCUMENT, truncate=True)

    async def jarvis(part: Sequence[str]) -> None:
        await asyncio.gather(*(caller(part[i * requests : (i + 1) * requests]) for i in range(callers)))

    return {
        LOOP: loop,
        ONE_BATCH: lambda part: batches(part, callers),
        BATCHES_OF_8: lambda part: batches(part, 8),
        JARVIS: jarvis,
    }


def _print(results: Results) -> None:
    """Print medians over the rounds, with the least and the most in brackets, as Markdown."""
    print("| callers | side | texts/s | to the loop | to one batch |\n|---|---|---|---|---|")
    for case, sides in results.items():
        loop, batch = statistics.median(sides[LOOP]), statistics.median(sides[ONE_BATCH])
        for name, speeds in sides.items():
            speed = statistics.median(speeds)
            shown = f"{speed:.0f} ({min(speeds):.0f}-{max(speeds):.0f})"
            print(f"| {case} | {name} | {shown} | {speed / loop:.2f} | {speed / batch:.2f} |")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.embedding",
        description="Texts a second of callers that each send one text after another through the server's "
        "use case, without a cache, beside a loop over the texts, and beside batches made of all of them.",
    )
    parser.add_argument("--callers", type=positive_int, nargs="+", default=[32, 64], help="callers at once")
    parser.add_argument("--requests", type=positive_int, default=1, help="texts of each caller and round")
    parser.add_argument("--rounds", type=positive_int, default=20, help="rounds, after one to warm up")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every round there as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
