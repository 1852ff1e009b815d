"""Times health probes of a busy server: `python -m bench.health --help`."""

import argparse
import asyncio
import json
import sys
import time
from concurrent.futures import Executor, ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from statistics import quantiles

from bench.arguments import positive_int
from bench.health.probe import Probed, Target, probe
from bench.health.server import serving
from bench.health.streams import streaming

LIMIT_MS = 100
TARGET_MS = 10
WARM_UP_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure: probes a second of each kind, seconds, streams, tokens of an answer."""

    rate: int
    seconds: int
    streams: int
    tokens: int


@dataclass(frozen=True, slots=True)
class Found:
    """What each probe found while the server was idle, and busy with so many messages a second."""

    idle: list[Probed]
    busy: list[Probed]
    messages_per_second: float


def main() -> int:
    """Measure; the exit code is 1 where a probe under load failed or was too slow."""
    args = _parser().parse_args()
    plan = Plan(args.rate, args.seconds, args.streams, args.tokens)
    try:
        found = asyncio.run(_run(plan))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    if args.json:
        args.json.write_text(json.dumps({"plan": asdict(plan), **asdict(found)}, indent=2) + "\n")
    return 0 if _report(plan, found) else 1


async def _run(plan: Plan) -> Found:
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
            idle = await _probe(pool, targets, plan, plan.seconds)
            async with streaming(grpc_address, plan.streams, plan.tokens) as load:
                print(f"probing it with {plan.streams} streams", file=sys.stderr)
                before, start = load.messages, time.perf_counter()
                busy = await _probe(pool, targets, plan, plan.seconds)
                rate = (load.messages - before) / (time.perf_counter() - start)
    return Found(idle, busy, rate)


async def _probe(pool: Executor, targets: list[Target], plan: Plan, seconds: float) -> list[Probed]:
    loop = asyncio.get_running_loop()
    probes = (loop.run_in_executor(pool, probe, target, plan.rate, seconds) for target in targets)
    return list(await asyncio.gather(*probes))


def _report(plan: Plan, found: Found) -> bool:
    rate = f"{found.messages_per_second:,.0f} messages/s"
    print(f"\n{plan.streams} streams had {rate}. In ms: p50, p99, most.\n")
    print(f"| {plan.rate} probes/s for {plan.seconds} s | idle | {plan.streams} streams | not answered |")
    print("|---|---|---|---|")
    for idle, busy in zip(found.idle, found.busy, strict=True):
        print(f"| {busy.name} | {_times(idle)} | {_times(busy)} | {idle.failed + busy.failed} |")
    slowest = max(_p99(probed) for probed in found.busy)
    well = slowest <= LIMIT_MS and not any(probed.failed for probed in found.busy)
    met = well and slowest <= TARGET_MS
    verdict = (
        f"limit {LIMIT_MS}: {'kept' if well else 'broken'}; target {TARGET_MS}: {'met' if met else 'missed'}"
    )
    print(f"\nslowest p99 with streams, in ms: {slowest:.1f}; {verdict}")
    return well


def _times(probed: Probed) -> str:
    if len(probed.seconds) < 2:
        return "-"
    median = quantiles(probed.seconds, n=2, method="inclusive")[0] * 1000
    return f"{median:.1f}, {_p99(probed):.1f}, {max(probed.seconds) * 1000:.1f}"


def _p99(probed: Probed) -> float:
    """Give the 99th percentile in ms; without answers there is none to speak of."""
    if len(probed.seconds) < 2:
        return float("inf")
    return quantiles(probed.seconds, n=100, method="inclusive")[98] * 1000


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bench.health",
        description="Time until /health, /ready and grpc.health.v1 Check are answered, by a server that is "
        "idle, and by the same with many streams of the demo model. Each is asked by a process of its own.",
    )
    parser.add_argument("--rate", type=positive_int, default=20, help="probes a second, of each of the three")
    parser.add_argument("--seconds", type=positive_int, default=60, help="how long, idle and busy")
    parser.add_argument("--streams", type=positive_int, default=100, help="streams at once")
    parser.add_argument("--tokens", type=positive_int, default=128, help="tokens of each answer")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every probe's time there as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
