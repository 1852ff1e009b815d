"""Sends a server more than it can carry: `python -m bench.overload --help`."""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from functools import partial
from pathlib import Path
from statistics import quantiles

from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.overload.callers import Done, Load, closed_loop, obedient, open_loop, probing
from bench.overload.server import serving

CALLERS = [f"caller-{number}" for number in range(10)]
GREEDY = CALLERS[0]
OTHERS_OFFER = 0.2
"""What each caller but the greedy one sends, as a part of what the server can carry: twice its share."""
WARM_UP_SECONDS = 30
"""How long each part runs before anything counts: the queue fills, and shares even out."""
BARS = {"goodput": 0.95, "p95": 1.3, "share": 0.1, "health_ms": 100}


def main() -> int:
    """Measure, and return the exit code: 1 if a bar was missed."""
    args = _parser().parse_args()
    with Found(args.json, _report, slots=args.slots, tokens=args.tokens, times=args.times) as found:
        asyncio.run(_run(args, found))
    return 0 if found.of("overload") and all(_bars(found).values()) else 1


async def _run(args: argparse.Namespace, found: Found) -> None:
    print("starting the server", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        async with serving(Path(folder), CALLERS, args.slots) as (address, keys):
            load = partial(Load, address, keys, args.tokens)
            print(f"what it can carry: {args.slots} requests at a time", file=sys.stderr)
            capacity = await closed_loop(load(), CALLERS, args.slots, args.seconds, WARM_UP_SECONDS)
            found.add("capacity", capacity)
            rates = dict.fromkeys(CALLERS, OTHERS_OFFER * capacity.per_second)
            rates[GREEDY] = args.times * capacity.per_second - sum(rates.values()) + rates[GREEDY]
            print(f"{args.times} times as much", file=sys.stderr)
            async with probing(address, keys[CALLERS[1]]) as probed, obedient(load(), CALLERS[1]) as obeyed:
                overload = await open_loop(load(), rates, args.seconds, WARM_UP_SECONDS)
            overload.health_ms.extend(probed)
            overload.obeyed.update(obeyed)
            found.add("overload", overload)


def _bars(found: Found) -> dict[str, bool]:
    ratios = _ratios(found)
    (overload,) = found.of("overload")
    return {
        "goodput": ratios["goodput"] >= BARS["goodput"],
        "p95 of those that were served": ratios["p95"] <= BARS["p95"],
        "least share of the nine": ratios["least"] >= 1 - BARS["share"],
        "every refusal says when to come back": overload.refused == overload.told_when,
        "who does so is served": "served" in overload.obeyed and "failed" not in overload.obeyed,
        "health, p99": _p99(overload.health_ms) < BARS["health_ms"],
    }


def _ratios(found: Found) -> dict[str, float]:
    (capacity,), (overload,) = found.of("capacity"), found.of("overload")
    shares = Counter(overload.served_by)
    fair = overload.served / len(CALLERS)
    others = [shares[caller] / fair for caller in CALLERS if caller != GREEDY]
    return {
        "goodput": overload.per_second / capacity.per_second,
        "p95": _p95(overload) / _p95(capacity),
        "least": min(others),
        "most": max(others),
        "greedy": shares[GREEDY] / fair,
    }


def _p95(done: Done) -> float:
    return quantiles(done.seconds, n=20, method="inclusive")[18]


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98]


def _report(found: Found) -> None:
    if not found.of("overload"):
        return
    (capacity,), (overload,) = found.of("capacity"), found.of("overload")
    ratios = _ratios(found)
    offered = overload.served + overload.refused + overload.failed
    print("\n| | what it can carry | overload |\n|---|---|---|")
    print(f"| requests sent | {capacity.served} | {offered} |")
    print(f"| served | {capacity.served} | {overload.served} |")
    goodput = f"{overload.per_second:.2f} ({ratios['goodput']:.3f})"
    print(f"| served a second | {capacity.per_second:.2f} | {goodput} |")
    print(f"| p95, s | {_p95(capacity):.2f} | {_p95(overload):.2f} ({ratios['p95']:.2f}) |")
    print(f"| refused, told when to come back | 0 | {overload.refused}, {overload.told_when} |")
    print(f"| failed otherwise | {capacity.failed} | {overload.failed} |")
    print("\nServed, by the caller's fair share, a tenth:")
    print(f"the nine {ratios['least']:.2f} to {ratios['most']:.2f}, the greedy one {ratios['greedy']:.2f}")
    print(f"Beside it, a client that comes back when it is told to: {dict(overload.obeyed)}")
    health = overload.health_ms
    print(f"Health: p99 {_p99(health):.0f} ms, slowest of {len(health)} {max(health):.0f} ms\n")
    for bar, met in _bars(found).items():
        print(f"{bar}: {'met' if met else 'missed'}")


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.overload",
        "The real engine with the demo model. First as many requests at a time as it works on; then, without "
        "waiting for answers, several times as many as it can carry, of ten callers, one of whom is greedy.",
    )
    parser.add_argument(
        "--slots", type=positive_int, default=32, help="requests that the engine works on at a time"
    )
    parser.add_argument(
        "--tokens",
        type=positive_int,
        default=32,
        help="tokens of an answer on average, of half to one and a half as many",
    )
    parser.add_argument("--times", type=positive_int, default=4, help="how many times what it can carry")
    parser.add_argument("--seconds", type=positive_int, default=60, help="how long each part takes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
