"""Simulates many servers, with service times that were measured on one: `python -m bench.scaling --help`."""

import argparse
import random
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from statistics import fmean, quantiles

from bench.arguments import make_parser, positive_int
from bench.charts import drawn
from bench.found import Found
from bench.scaling.simulate import Cluster, Outcome, Policy, at_random, by_turns, of_two, simulate

POLICIES: dict[str, tuple[Policy, float]] = {
    "at random": (at_random, 0),
    "by turns": (by_turns, 0),
    "of two, loads a second old": (of_two, 1),
    "of two": (of_two, 0),
}
"""The ways to pick a server, and how old the loads may be that each goes by, in seconds."""
DESCRIPTION = """Waiting, refusals and losses of up to 1,000 servers behind one balancer. A server is as
one was on an NVIDIA H200 (bench.overload): it works on 64 requests at a time, ten more may wait,
and it serves 83.4 a second, so that a request holds its slot for 0.77 s, by its tokens between
half of that and one and a half. Requests come at random times; none is sent again."""
EXAMPLES = """examples:
  python -m bench.scaling --servers 10 100 1000 --load 0.9 0.95
  python -m bench.scaling --servers 1000 --load 0.8 --failing 0.1 --seconds 90 --plot scaling.svg"""


@dataclass(frozen=True)
class Row:
    """What one simulation found; times are in seconds, shares are of all requests."""

    servers: int
    load: float
    policy: str
    requests: int
    waited: float
    mean_wait: float
    p99_wait: float
    refused: float
    lost: float
    failed_by_second: dict[int, float]


def main() -> int:
    """Simulate, and print Markdown."""
    args = _parser().parse_args()
    with Found(args.json, partial(_report, plot=args.plot), about="a simulation") as found:
        for servers, load, name in product(args.servers, args.load, POLICIES):
            found.add("rows", row(servers, load, name, args))
    return 0


def row(servers: int, load: float, name: str, args: argparse.Namespace) -> Row:
    """Simulate one policy."""
    pick, known_after = POLICIES[name]
    rate = load * servers * args.slots / args.service
    cluster = Cluster(
        servers,
        args.slots,
        args.waiting,
        _uniform(args.service),
        rate,
        pick,
        known_after,
        args.failing,
        args.seconds / 3,
        args.down,
        args.noticed,
    )
    found = simulate(cluster, args.seconds, 10 * args.service, args.seed)
    return Row(servers, load, name, found.requests, *_figures(found), _by_second(found, rate))


def _uniform(mean: float) -> Callable[[random.Random], float]:
    return lambda chance: mean * (0.5 + chance.random())


def _figures(found: Outcome) -> tuple[float, float, float, float, float]:
    waits = found.waits
    return (
        sum(wait > 0 for wait in waits) / len(waits),
        fmean(waits),
        quantiles(waits, n=100)[-1],
        len(found.refused) / found.requests,
        len(found.lost) / found.requests,
    )


def _by_second(found: Outcome, rate: float) -> dict[int, float]:
    failed = Counter(int(at) for at in (*found.refused, *found.lost))
    return {second: count / rate for second, count in sorted(failed.items())}


def _report(found: Found, plot: Path | None) -> None:
    rows: list[Row] = found.of("rows")
    print(
        "\n| servers | load | sent | waited | mean wait | p99 | refused | lost |"
        "\n|---|---|---|---|---|---|---|---|"
    )
    for one in rows:
        print(
            f"| {one.servers:,} | {one.load:.2f} | {one.policy} | {one.waited:.1%} "
            f"| {1000 * one.mean_wait:.0f} ms | {1000 * one.p99_wait:.0f} ms "
            f"| {one.refused:.2%} | {one.lost:.2%} |"
        )
    if plot and rows:
        with drawn(plot) as (graph,):
            for one in rows:
                seconds = range(max(one.failed_by_second, default=0) + 2)
                shares = [100 * one.failed_by_second.get(second, 0) for second in seconds]
                graph.plot(seconds, shares, label=f"{one.servers:,} servers, {one.load:.0%}, {one.policy}")
            graph.set(xlabel="seconds", ylabel="refused or lost, % of a second's requests", yscale="symlog")
            graph.grid(alpha=0.3)
            graph.legend()


def _parser() -> argparse.ArgumentParser:
    parser = make_parser("bench.scaling", DESCRIPTION)
    parser.epilog, parser.formatter_class = EXAMPLES, argparse.RawDescriptionHelpFormatter
    parser.add_argument("--servers", type=positive_int, nargs="+", default=[10, 100, 1000], help="how many")
    parser.add_argument(
        "--load", type=float, nargs="+", default=[0.9], help="the share of all slots that is wanted"
    )
    parser.add_argument(
        "--slots", type=positive_int, default=64, help="requests that a server works on at a time"
    )
    parser.add_argument("--waiting", type=int, default=10, help="requests that may wait in a server")
    parser.add_argument(
        "--service", type=float, default=0.767, help="mean seconds that a request holds its slot"
    )
    parser.add_argument(
        "--failing", type=float, default=0.0, help="the share of servers that fail, after a third"
    )
    parser.add_argument(
        "--down", type=float, default=38.0, help="seconds until they are back; an engine took 38"
    )
    parser.add_argument(
        "--noticed", type=float, default=1.0, help="seconds until the balancer leaves them out"
    )
    parser.add_argument(
        "--seconds", type=positive_int, default=30, help="of each simulation, after ten services"
    )
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same figures")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw what failed over time there, as SVG")
    return parser


if __name__ == "__main__":
    sys.exit(main())
