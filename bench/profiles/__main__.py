"""Compares the profiles of vLLM's settings, or values of one of them: `python -m bench.profiles --help`."""

import argparse
import asyncio
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from textwrap import fill
from typing import Any

from bench.arguments import make_parser, positive_int
from bench.charts import drawn, lines
from bench.found import Found
from bench.profiles.sides import PROFILES, asked, serving, swept
from jarvis.client import JarvisClient
from jarvis.load import Measured, load, summary
from jarvis.models.catalogue import DEMO_MODEL

CALLERS, TIMES = 64, 3.0
"""With so many callers, `optimized` has to make so many times the tokens/s of `baseline`."""
EXAMPLES = """examples:
  python -m bench.profiles --plot profiles.svg
  python -m bench.profiles --sweep max_num_seqs 16 64 256 --streams 64 256"""


@dataclass(frozen=True, slots=True)
class Round:
    """What so many callers had in one round; times are in seconds."""

    streams: int
    tokens_per_second: float
    first_token_p50: float
    first_token_p95: float
    answer_p50: float
    answer_p95: float
    failed: int


def main() -> int:
    """Measure, and return the exit code: 1 if `optimized` is not as much faster as it is promised to be."""
    args = _parser().parse_args()
    sides = swept(args.sweep[0], args.sweep[1:]) if args.sweep else PROFILES
    about = {name: value for name, value in vars(args).items() if name not in {"json", "plot"}}
    try:
        with Found(args.json, partial(_report, sides, args), **about) as found:
            asyncio.run(_run(sides, args, found))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if args.sweep or all(_bars(args.streams, found).values()) else 1


async def _run(sides: Mapping[str, Mapping[str, Any]], args: argparse.Namespace, found: Found) -> None:
    print(f"starting {', '.join(sides)}", file=sys.stderr)
    async with serving(args.model, sides) as client:
        for number in range(args.rounds):
            for streams in args.streams:
                for side in list(enumerate(sides))[:: -1 if number % 2 else 1]:
                    print(
                        f"round {number + 1} of {args.rounds}: {side[1]}, {streams} callers", file=sys.stderr
                    )
                    found.add(side[1], await _round(client, f"side{side[0]}", streams, args))


async def _round(client: JarvisClient, model: str, streams: int, args: argparse.Namespace) -> Round:
    ended: list[Measured] = []
    plan = asked(model, streams, args.seconds, args.tokens, args.rules)
    given_up = await load(client, plan, ended.append)
    total = summary(ended, args.seconds, given_up)
    if not (total.first_token and total.answer):
        msg = f"nothing was answered within {args.seconds} s: {dict(total.failed)}; give it more --seconds"
        raise RuntimeError(msg)
    first, answer = total.first_token, total.answer
    failed = sum(total.failed.values())
    return Round(streams, total.tokens_per_second, first.p50, first.p95, answer.p50, answer.p95, failed)


def _of(found: Found, side: str, streams: int, figure: str) -> float:
    return median(asdict(one)[figure] for one in found.of(side) if one.streams == streams)


def _measured(found: Found, sides: Sequence[str], streams: Sequence[int]) -> list[int]:
    """Return the numbers of callers that all sides have had."""
    return [
        number
        for number in streams
        if all(number in {one.streams for one in found.of(side)} for side in sides)
    ]


def _bars(streams: Sequence[int], found: Found) -> dict[str, bool]:
    """Return whether each promise is kept, by what it says."""
    base, best = PROFILES
    bars = {}
    for number in _measured(found, list(PROFILES), streams):
        better = _of(found, best, number, "answer_p50") <= _of(found, base, number, "answer_p50")
        bars[f"half of the answers come no later, {number} callers"] = better
        if number == CALLERS:
            ratio = _of(found, best, number, "tokens_per_second") / _of(
                found, base, number, "tokens_per_second"
            )
            bars[f"{TIMES:g} times the tokens/s, {number} callers"] = ratio >= TIMES
    return bars


def _report(sides: Mapping[str, object], args: argparse.Namespace, found: Found) -> None:
    print("\n| callers | | tokens/s | first token, p50 and p95 | answer, p50 and p95 | failed |")
    print("|---|---|---|---|---|---|")
    first, measured = next(iter(sides)), _measured(found, list(sides), args.streams)
    for streams in measured:
        for side in sides:
            of = partial(_of, found, side, streams)
            ratio = of("tokens_per_second") / _of(found, first, streams, "tokens_per_second")
            failed = sum(one.failed for one in found.of(side) if one.streams == streams)
            print(
                f"| {streams} | {side} | {of('tokens_per_second'):,.0f} ({ratio:.2f}) "
                f"| {of('first_token_p50'):.2f}, {of('first_token_p95'):.2f} s "
                f"| {of('answer_p50'):.2f}, {of('answer_p95'):.2f} s | {failed} |"
            )
    if not args.sweep:
        print()
        for bar, kept in _bars(args.streams, found).items():
            print(f"{bar}: {'kept' if kept else 'MISSED'}")
    if args.plot and measured:
        figures = {"tokens/s": "tokens_per_second", "seconds to the first token, p50": "first_token_p50"}
        with drawn(args.plot, len(figures)) as graphs:
            for graph, (label, figure) in zip(graphs, figures.items(), strict=True):
                series = {side: {n: _of(found, side, n, figure) for n in measured} for side in sides}
                lines(graph, "callers", label, series, doubling=True)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.profiles",
        fill(
            "Tokens/s and latency of vLLM with one profile and another, each with an engine of its own, "
            "in one server. All are up at once, and loaded by turns, by callers whose prompts begin alike."
        ),
    )
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    parser.add_argument("--model", default=DEMO_MODEL, help="a catalogue name, or a folder")
    parser.add_argument("--rounds", type=positive_int, default=2, help="rounds of each")
    parser.add_argument(
        "--seconds", type=positive_int, default=40, help="of each round, after a quarter more"
    )
    parser.add_argument("--tokens", type=positive_int, default=32, help="tokens of each answer")
    parser.add_argument(
        "--rules", type=positive_int, default=30, help="rules of 20 tokens that prompts share"
    )
    parser.add_argument("--streams", type=positive_int, nargs="+", default=[1, 16, 64, 256], help="callers")
    parser.add_argument(
        "--sweep",
        nargs="+",
        metavar=("ARGUMENT", "VALUE"),
        help="in place of the profiles: these values of an engine argument, in `optimized`",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the figures there, as SVG")
    return parser


if __name__ == "__main__":
    sys.exit(main())
