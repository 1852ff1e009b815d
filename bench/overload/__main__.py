"""Sends a server more than it can carry: `python -m bench.overload --help`."""

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path
from statistics import fmean, quantiles

from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.overload.callers import Plan, closed_loop, obedient, open_loop, probing
from bench.overload.servers import Server, jarvis, openai
from bench.vllm_serve import rust_environment

CALLERS = [f"caller-{number}" for number in range(10)]
GREEDY = CALLERS[0]
OBEDIENT = "obedient"
"""One more caller, who sends one request after another, each of them again when it is told to."""
OTHERS_OFFER = 0.2
"""What each caller but the greedy one sends, as a part of what the server can carry: twice its share."""
BARS = {"goodput": 0.95, "p95": 1.3, "share": 0.1, "health_ms": 100}
JARVIS = "Jarvis"
PEERS = {
    "vLLM's OpenAI server": dict,
    "vLLM's front end in Rust": rust_environment,
}
"""The environment of each peer."""


def main() -> int:
    """Measure, and return the exit code: 1 if a bar was missed."""
    args = _parser().parse_args()
    with Found(args.json, _report, slots=args.slots, tokens=args.tokens, times=args.times) as found:
        asyncio.run(_run(args, found))
    return 0 if found.of(f"{JARVIS}, overload") and all(_bars(found).values()) else 1


async def _run(args: argparse.Namespace, found: Found) -> None:
    with tempfile.TemporaryDirectory() as folder:
        await _measure(JARVIS, lambda: jarvis(Path(folder), [*CALLERS, OBEDIENT], args.slots), args, found)
    for name, environment in PEERS.items() if args.peers else ():
        try:
            await _measure(name, partial(openai, args.slots, environment()), args, found)
        except ModuleNotFoundError as error:
            print(f"{name} is left out: {error}", file=sys.stderr)


async def _measure(
    name: str,
    start: Callable[[], AbstractAsyncContextManager[Server]],
    args: argparse.Namespace,
    found: Found,
) -> None:
    print(f"starting {name}", file=sys.stderr)
    async with start() as server:
        plan = Plan(args.tokens, args.seconds)

        async def measure_capacity() -> float:
            print(f"what it can carry: {args.slots} requests at a time", file=sys.stderr)
            async with probing(server) as probed:
                capacity = await closed_loop(server, plan, CALLERS, args.slots)
            capacity.health_ms.extend(probed)
            found.add(f"{name}, capacity", capacity)
            return capacity.per_second

        per_second = await measure_capacity()
        rates = dict.fromkeys(CALLERS, OTHERS_OFFER * per_second)
        rates[GREEDY] = args.times * per_second - sum(rates.values()) + rates[GREEDY]
        print(f"{args.times} times as much", file=sys.stderr)
        async with (
            probing(server) as probed,
            obedient(server, args.tokens, OBEDIENT) as obeyed,
        ):
            overload = await open_loop(server, plan, rates)
        overload.health_ms.extend(probed)
        overload.obeyed.update(obeyed)
        found.add(f"{name}, overload", overload)
        await measure_capacity()  # once more, as the machine may have become slower or faster


def _bars(found: Found) -> dict[str, bool]:
    overload = found.of(f"{JARVIS}, overload")[0]
    ratios = _ratios(found, JARVIS)
    return {
        "goodput": ratios["goodput"] >= BARS["goodput"],
        "p95 of those that were served": ratios["p95"] <= BARS["p95"],
        "least share of the nine": ratios["least"] >= 1 - BARS["share"],
        "every refusal says when to come back": overload.refused == overload.told_when,
        "who does so is served": "served" in overload.obeyed and "failed" not in overload.obeyed,
        "health, p99": _p99(overload.health_ms) < BARS["health_ms"],
    }


def _ratios(found: Found, name: str) -> dict[str, float]:
    overload = found.of(f"{name}, overload")[0]
    shares = Counter(overload.served_by)
    fair = overload.served / len(CALLERS)
    others = [shares[caller] / fair for caller in CALLERS if caller != GREEDY]
    return {
        "goodput": overload.per_second / _capacity(found, name),
        "p95": _p95(overload.seconds) / _p95(_capacity_seconds(found, name)),
        "least": min(others),
        "most": max(others),
        "greedy": shares[GREEDY] / fair,
    }


def _capacity(found: Found, name: str) -> float:
    """Return how many requests it served a second, before and after the overload."""
    return fmean(done.per_second for done in found.of(f"{name}, capacity"))


def _capacity_seconds(found: Found, name: str) -> list[float]:
    return [seconds for done in found.of(f"{name}, capacity") for seconds in done.seconds]


def _p95(seconds: list[float]) -> float:
    return quantiles(seconds, n=20, method="inclusive")[18]


def _p99(values: list[float]) -> float:
    return quantiles(values, n=100, method="inclusive")[98]


def _report(found: Found) -> None:
    names = [name for name in (JARVIS, *PEERS) if found.of(f"{name}, overload")]
    rows: dict[str, list[str]] = {}
    for name in names:
        for row, shown in _column(found, name).items():
            rows.setdefault(row, []).append(shown)
    print(f"\n| | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for row, cells in rows.items():
        print(f"| {row} | {' | '.join(cells)} |")
    if JARVIS in names:
        print()
        for bar, met in _bars(found).items():
            print(f"{bar}: {'met' if met else 'missed'}")


def _column(found: Found, name: str) -> dict[str, str]:
    overload = found.of(f"{name}, overload")[0]
    before_and_after = ", ".join(f"{done.per_second:.2f}" for done in found.of(f"{name}, capacity"))
    ratios = _ratios(found, name)
    offered = overload.served + overload.refused + overload.failed + overload.waiting
    health = overload.health_ms
    return {
        "what it can carry before and after, requests/s": before_and_after,
        "served under overload": f"{overload.per_second:.2f} ({ratios['goodput']:.2f})",
        "p95 at capacity, s": f"{_p95(_capacity_seconds(found, name)):.2f}",
        "p95 of those that were served, s": f"{_p95(overload.seconds):.2f} ({ratios['p95']:.2f})",
        "refused, of all; told when to come back": f"{overload.refused} of {offered}; {overload.told_when}",
        "no answer at the end": f"{overload.waiting}",
        "failed otherwise": f"{overload.failed}",
        "the nine, by a tenth of what was served": f"{ratios['least']:.2f} to {ratios['most']:.2f}",
        "the greedy one": f"{ratios['greedy']:.2f}",
        "who comes back when told to": f"{dict(overload.obeyed)}",
        "health, p99 and most, ms": f"{_p99(health):.0f}, {max(health):.0f}",
    }


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.overload",
        "The real engine with the demo model. First as many requests at a time as it works on; then, without "
        "waiting for answers, several times as many as it can carry, of ten callers, one of whom is greedy; "
        "then the first once more, as the speed of a machine changes. "
        "Jarvis first, then vLLM's own servers on the same model.",
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
    parser.add_argument(
        "--peers",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="whether vLLM's own servers are measured too",
    )
    parser.add_argument(
        "--seconds",
        type=positive_int,
        default=60,
        help="how long each part counts, after half of that to warm up",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
