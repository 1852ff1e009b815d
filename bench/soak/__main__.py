"""Watches whether a server grows under a long load: `python -m bench.soak --help`."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from textwrap import fill

from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.soak.load import Load, calling
from bench.soak.plot import plot
from bench.soak.server import RESUME_SECONDS, serving
from bench.soak.verdict import AFTER, BEFORE, FIGURES, LOAD, growth, table
from bench.soak.watch import Sample, Watch

IDLE_SECONDS = RESUME_SECONDS + 20
"""How long nobody calls before the idle figures are taken."""
EXAMPLES = """examples:
  python -m bench.soak --plot soak.svg              an hour, with a plot
  python -m bench.soak --seconds 28800              a night
  SOAK_S=7200 make bench BENCH=soak                 two hours
"""
LEAST_WARM_UP, LEAST_WATCHED = 300, 1800
"""How many seconds of mixed load there are at least, before it is watched for growth and then.

With less, caches that still fill up, or what memory does anyway, have a slope of tens of MiB an hour: see
docs/benchmarks.md.
"""
NEW_TEXTS = 7200
"""How many texts are embedded before that: memory grew by 2 kB a text for the first 5,000, then no more."""
TOGETHER = 30
"""How often all callers send the same kind of request at once."""
WARM_UP = 0.3
"""The share of the time after which the mixed load is watched for growth; caches are full by then."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long it takes, what it begins with, and how often the figures are sampled."""

    seconds: int
    streams: int
    requests: int
    every: int


@dataclass(frozen=True, slots=True)
class Sent:
    """How many requests a phase sent in how many seconds, and how many of them failed."""

    phase: str
    seconds: float
    requests: int
    failed: int


@dataclass(frozen=True, slots=True)
class Watched:
    """All samples."""

    samples: Sequence[Sample]


@dataclass(frozen=True, slots=True)
class Wrong:
    """Something that should not be."""

    what: str


def main() -> int:
    """Watch, and return the exit code: 1 if a request failed, or a figure grew."""
    args = _parser().parse_args()
    plan = Plan(args.seconds, args.streams, args.requests, args.every)
    try:
        with Found(args.json, partial(_report, args.plot), plan=asdict(plan)) as found:
            asyncio.run(_run(plan, found))
    except RuntimeError as error:
        print(error, file=sys.stderr)
        return 1
    return 1 if found.of("wrong") else 0


async def _run(plan: Plan, found: Found) -> None:
    print("starting the server", file=sys.stderr)
    with tempfile.TemporaryDirectory() as folder:
        async with serving(Path(folder)) as server:
            watch = Watch(server)
            try:
                async with calling(server) as load, watch.every(plan.every):
                    await _phases(plan, watch, load, found)
            finally:
                found.add("watched", Watched(watch.samples))
            problems = [*load.failures, *(f"an error in the log: {message}" for message in server.errors())]
    for problem in [*problems, *growth(watch.samples)]:
        found.add("wrong", Wrong(problem))


async def _phases(plan: Plan, watch: Watch, load: Load, found: Found) -> None:
    end = time.monotonic() + plan.seconds

    @contextmanager
    def phase(name: str) -> Iterator[None]:
        print(name, file=sys.stderr)
        watch.phase, begin = name, time.monotonic()
        sent, failed = load.sent.total(), len(load.failures)
        yield
        seconds = time.monotonic() - begin
        found.add("phase", Sent(name, seconds, load.sent.total() - sent, len(load.failures) - failed))

    with phase(f"{plan.streams} streams at once"):
        await load.at_once(plan.streams)
    with phase(f"{plan.requests} in a row"):
        await load.in_a_row(plan.requests)
    with phase(f"{NEW_TEXTS} new texts"):
        await load.fill(NEW_TEXTS)
    with phase(f"{TOGETHER} times all at once"):
        await load.together(TOGETHER)
    with phase("warm-up"):
        left = end - time.monotonic()
        await load.mixed(time.monotonic() + max(WARM_UP * left, LEAST_WARM_UP))
    with phase(BEFORE):
        await asyncio.sleep(IDLE_SECONDS)
    with phase(LOAD):
        await load.mixed(max(end - IDLE_SECONDS, time.monotonic() + LEAST_WATCHED))
    with phase(AFTER):
        await asyncio.sleep(IDLE_SECONDS)


def _report(file: Path | None, found: Found) -> None:
    samples = [sample for watched in found.of("watched") for sample in watched.samples]
    if not {BEFORE, LOAD, AFTER} <= {sample.phase for sample in samples}:
        print("\nit ended before the figures could be judged")
        return
    print("\n" + "\n".join(table(samples)))
    if file:
        plot(file, samples, list(FIGURES))
    wrong = found.of("wrong")
    print(f"\n{sum(phase.requests for phase in found.of('phase')):,} requests; wrong: {len(wrong)}")
    for one in wrong:
        print(f"- {one.what}")


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.soak",
        "Does anything grow? One server, with the real engine, embedder, store, caches, ledger and metrics: "
        "first many streams at once, then many requests one after another, then texts to embed until caches "
        "are full, then a mixed load: streams, "
        "cancelled ones, embeddings, writes and searches, probes, wrong requests, callers that hang up. "
        "Memory, threads, open files and tasks are sampled from outside. The exit code is 1 if a request "
        "failed, or a figure grew by more than it may.",
    )
    parser.description = fill(parser.description or "")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = EXAMPLES
    parser.add_argument(
        "--seconds",
        type=positive_int,
        default=int(os.environ.get("SOAK_S", "3600")),
        help="how long all of it takes, after the start (default: $SOAK_S, or 3600); at least "
        "about three quarters of an hour, as less tells nothing",
    )
    parser.add_argument("--streams", type=positive_int, default=100, help="streams at once, at the beginning")
    parser.add_argument("--requests", type=positive_int, default=1000, help="requests in a row, after them")
    parser.add_argument("--every", type=positive_int, default=4, help="seconds between two samples")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="draw the figures over time there, as SVG")
    return parser


if __name__ == "__main__":
    sys.exit(main())
