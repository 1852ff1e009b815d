"""Measures how long servers take until they serve: `python -m bench.start --help`."""

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.frontend import engine
from bench.frontend.measure import RUST, started
from jarvis.models import resolve
from jarvis.models.catalogue import DEMO_MODEL

ALONE = "AsyncLLM in process"
"""The engine's own start, with the import of vLLM."""
SIDES = [ALONE, "Jarvis", "vLLM's OpenAI server", RUST]
BAR = 1.1
"""The most that Jarvis may take, by what the engine takes alone."""


@dataclass(frozen=True, slots=True)
class Started:
    """How many seconds it took from nothing until it served."""

    seconds: float


def main() -> int:
    """Measure by turns, and return the exit code: 1 if Jarvis takes too long."""
    args = _parser().parse_args()
    os.environ.update(engine.ENVIRONMENT)
    arguments = engine.arguments(resolve(DEMO_MODEL))
    with Found(args.json, partial(_report, args.only), engine=arguments) as found:
        _run(args.only, args.rounds, arguments, found)
    return 1 if _ratio(found, "Jarvis") > BAR else 0


def _run(sides: Sequence[str], rounds: int, arguments: dict[str, Any], found: Found) -> None:
    for number in range(rounds + 1):
        print(f"round {number} of {rounds}", file=sys.stderr)
        for side in sides[:: -1 if number % 2 else 1]:
            began = time.perf_counter()
            with started([side], arguments):
                seconds = time.perf_counter() - began
            if number:  # the first reads all from the disk
                found.add(side, Started(seconds))


def _ratio(found: Found, side: str) -> float:
    """Return how long a side takes by what the engine takes alone; 0 if one of the two was not measured."""
    of = [[one.seconds for one in found.of(name)] for name in (side, ALONE)]
    return median(of[0]) / median(of[1]) if all(of) else 0.0


def _report(sides: Sequence[str], found: Found) -> None:
    print("\n| | seconds until it serves | by the engine's own |")
    print("|---|---|---|")
    for side in sides:
        if seconds := [one.seconds for one in found.of(side)]:
            spread = f"{min(seconds):.1f} to {max(seconds):.1f}"
            print(f"| {side} | {median(seconds):.1f} ({spread}) | {_ratio(found, side):.2f} |")


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.start",
        "How long it takes until the demo model serves: in Jarvis, in vLLM's own servers, and in vLLM's "
        "engine alone, one after another, each from nothing.",
    )
    parser.add_argument("--rounds", type=positive_int, default=3, help="rounds of each, after one to warm up")
    parser.add_argument(
        "--only", nargs="+", choices=SIDES, default=SIDES, metavar="NAME", help=f"of {', '.join(SIDES)}"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
