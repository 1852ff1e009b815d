"""Measures what batching across callers gains: `python -m bench.embedding --help`."""

import argparse
import asyncio
import os
import random
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product

from bench.adapters import embed_in_batches, real_embedder
from bench.arguments import make_parser, positive_int
from bench.corpus import docstrings
from bench.found import Found
from jarvis.app.config import Config
from jarvis.core.embedding import Embedding
from jarvis.core.lifecycle.component import Component
from jarvis.core.telemetry.instruments import Instruments
from jarvis_ports.embedding import Embedder, TextRole

DOCUMENT = TextRole.DOCUMENT
KINDS = ("questions", "passages")
LOOP, ONE_BATCH, BATCHES_OF_8, JARVIS = "a loop", "one batch", "sorted, batches of 8", "Jarvis"
MAX_CHARACTERS = 1000
Side = Callable[[Sequence[str]], Awaitable[None]]


@dataclass(frozen=True)
class Round:
    """The texts per second of one side."""

    side: str
    texts_per_second: float


def main() -> int:
    """Measure every side in turn, with new texts in each round."""
    args = _parser().parse_args()
    os.environ["HF_HUB_OFFLINE"] = "1"
    show = partial(_print, [_case(kind, number) for kind, number in product(KINDS, args.callers)])
    with Found(args.json, show) as found:
        asyncio.run(_run(args.callers, args.requests, args.rounds, found))
    return 0


def _case(kind: str, callers: int) -> str:
    return f"{callers} callers, {kind}"


async def _run(callers: Sequence[int], requests: int, rounds: int, found: Found) -> None:
    texts_of = (
        [text.first for text in docstrings()],
        [f"{text.first}. {text.rest}"[:MAX_CHARACTERS] for text in docstrings()],
    )
    kinds = dict(zip(KINDS, texts_of, strict=True))
    async with real_embedder() as component:
        for (kind, texts), number in product(kinds.items(), callers):
            drawn = random.Random(0).sample(texts, number * requests * (rounds + 1))  # noqa: S311 - no secret
            sides = _sides(component, number, requests)
            for position in range(rounds + 1):
                print(f"{kind}, {number} callers, round {position} of {rounds}", file=sys.stderr)
                part = drawn[position :: rounds + 1]
                for name in list(sides)[:: -1 if position % 2 else 1]:
                    started = time.perf_counter()
                    await sides[name](part)
                    speed = len(part) / (time.perf_counter() - started)
                    if position:  # the first round warms up
                        found.add(_case(kind, number), Round(name, speed))


def _sides(component: Component[Embedder], callers: int, requests: int) -> dict[str, Side]:
    embedder = component.port
    most = Config().embedder.max_batch_tokens
    embedding = Embedding(component, [], max_batch_tokens=most, instruments=Instruments())

    async def loop(part: Sequence[str]) -> None:
        for text in part:
            await embedder.embed([text], DOCUMENT)

    async def caller(own: Sequence[str]) -> None:
        for text in own:
            await embedding.embed([text], DOCUMENT, truncate=True)

    async def jarvis(part: Sequence[str]) -> None:
        await asyncio.gather(*(caller(part[i * requests : (i + 1) * requests]) for i in range(callers)))

    return {
        LOOP: loop,
        ONE_BATCH: lambda part: embed_in_batches(embedder, part, callers),
        BATCHES_OF_8: lambda part: embed_in_batches(embedder, part, 8),
        JARVIS: jarvis,
    }


def _print(cases: Sequence[str], found: Found) -> None:
    """Print medians over the rounds as Markdown, with the least and the most in brackets."""
    print("\n| callers | side | texts/s | to the loop | to one batch |\n|---|---|---|---|---|")
    for case in cases:
        sides: dict[str, list[float]] = {}
        for one in found.of(case):
            sides.setdefault(one.side, []).append(one.texts_per_second)
        medians = {name: statistics.median(speeds) for name, speeds in sides.items()}
        for name, speeds in sides.items():
            shown = f"{medians[name]:.0f} ({min(speeds):.0f}-{max(speeds):.0f})"
            ratios = [
                f"{medians[name] / medians[base]:.2f}" if base in medians else "-"
                for base in (LOOP, ONE_BATCH)
            ]
            print(f"| {case} | {name} | {shown} | {ratios[0]} | {ratios[1]} |")


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.embedding",
        "Texts a second of callers that each send one text after another through the server's "
        "use case, without a cache, beside a loop over the texts, and beside batches made of all of them.",
    )
    parser.add_argument("--callers", type=positive_int, nargs="+", default=[32, 64], help="callers at once")
    parser.add_argument("--requests", type=positive_int, default=1, help="texts of each caller and round")
    parser.add_argument("--rounds", type=positive_int, default=20, help="rounds, after one to warm up")
    return parser


if __name__ == "__main__":
    sys.exit(main())
