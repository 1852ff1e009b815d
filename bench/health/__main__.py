"""Times health probes of a busy server: `python -m bench.health --help`."""

import argparse
import asyncio
import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from itertools import zip_longest
from multiprocessing import get_context
from statistics import quantiles

from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.health.constraints import refusing
from bench.health.probe import Probed, Target, probe
from bench.health.server import serving
from bench.health.streams import streaming

LIMIT_MS = 100
TARGET_MS = 10
WARM_UP_SECONDS = 1.0
BAD_CALLERS = 8
"""The number of callers whose constraints cannot be compiled, in the last part."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure: probes per second of each kind, seconds, streams, and tokens of an answer."""

    rate: int
    seconds: int
    streams: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Load:
    """The rate of messages that the streams received during the probes."""

    messages_per_second: float


def main() -> int:
    """Measure, and return the exit code: 1 if a probe under load failed or was too slow."""
    args = _parser().parse_args()
    plan = Plan(args.rate, args.seconds, args.streams, args.tokens)
    try:
        with Found(args.json, partial(_report, plan), plan=asdict(plan)) as found:
            asyncio.run(_run(plan, found))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if _well([*found.of("busy"), *found.of("constraints")]) else 1


async def _run(plan: Plan, found: Found) -> None:
    print("starting the server", file=sys.stderr)
    async with serving(plan.streams) as (grpc_address, http_address):
        targets = [
            Target("GET /health", http_address, "/health"),
            Target("GET /ready", http_address, "/ready"),
            Target("grpc.health.v1 Check", grpc_address),
        ]
        with ProcessPoolExecutor(len(targets), mp_context=get_context("spawn")) as pool:
            await _probe(pool, targets, plan, WARM_UP_SECONDS)
            print("probing it idle", file=sys.stderr)
            for probed in await _probe(pool, targets, plan, plan.seconds):
                found.add("idle", probed)
            async with streaming(grpc_address, plan.streams, plan.tokens) as load:
                print(f"probing it with {plan.streams} streams", file=sys.stderr)
                before, start = load.messages, time.perf_counter()
                busy = await _probe(pool, targets, plan, plan.seconds)
                rate = (load.messages - before) / (time.perf_counter() - start)
                found.add("load", Load(rate))
                for probed in busy:
                    found.add("busy", probed)
                print(f"probing it with {BAD_CALLERS} bad callers beside them", file=sys.stderr)
                async with refusing(grpc_address, BAD_CALLERS):
                    for probed in await _probe(pool, targets, plan, plan.seconds):
                        found.add("constraints", probed)


async def _probe(pool: Executor, targets: list[Target], plan: Plan, seconds: float) -> list[Probed]:
    loop = asyncio.get_running_loop()
    probes = (loop.run_in_executor(pool, probe, target, plan.rate, seconds) for target in targets)
    return list(await asyncio.gather(*probes))


def _report(plan: Plan, found: Found) -> None:
    idle, busy, constraints = (found.of(name) for name in ("idle", "busy", "constraints"))
    for load in found.of("load"):
        print(f"\n{plan.streams} streams had {load.messages_per_second:,.0f} messages/s.")
    print(f"\nIn ms, of {plan.rate} probes/s for {plan.seconds} s: p50, p99, most.\n")
    print(f"| | idle | {plan.streams} streams | and {BAD_CALLERS} bad callers | not answered |")
    print("|---|---|---|---|---|")
    for row in zip_longest(idle, busy, constraints):
        probed = [one for one in row if one]
        times = [_times(one) if one else "-" for one in row]
        print(f"| {probed[0].name} | {' | '.join(times)} | {sum(one.failed for one in probed)} |")
    if loaded := [*busy, *constraints]:
        slowest = max(map(_p99, loaded))
        kept = "kept" if _well(loaded) else "broken"
        met = "met" if _well(loaded) and slowest <= TARGET_MS else "missed"
        print(f"\nslowest p99 with streams, in ms: {slowest:.1f}")
        print(f"limit {LIMIT_MS}: {kept}; target {TARGET_MS}: {met}")


def _well(loaded: list[Probed]) -> bool:
    return max(map(_p99, loaded)) <= LIMIT_MS and not any(probed.failed for probed in loaded)


def _times(probed: Probed) -> str:
    if len(probed.seconds) < 2:
        return "-"
    median = quantiles(probed.seconds, n=2, method="inclusive")[0] * 1000
    return f"{median:.1f}, {_p99(probed):.1f}, {max(probed.seconds) * 1000:.1f}"


def _p99(probed: Probed) -> float:
    """Return the 99th percentile in ms, or infinity with fewer than two answers."""
    if len(probed.seconds) < 2:
        return float("inf")
    return quantiles(probed.seconds, n=100, method="inclusive")[98] * 1000


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.health",
        "Time until /health, /ready and grpc.health.v1 Check are answered, by a server that is "
        "idle, by the same with many streams of the demo model, and with callers beside them whose "
        "constraints cannot be compiled. Each is asked by a process of its own.",
    )
    parser.add_argument("--rate", type=positive_int, default=20, help="probes a second, of each of the three")
    parser.add_argument("--seconds", type=positive_int, default=60, help="how long each part takes")
    parser.add_argument("--streams", type=positive_int, default=100, help="streams at once")
    parser.add_argument("--tokens", type=positive_int, default=128, help="tokens of each answer")
    return parser


if __name__ == "__main__":
    sys.exit(main())
