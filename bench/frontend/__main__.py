"""Compares front ends on one engine: `python -m bench.frontend --help`."""

import argparse
import os
import sys
import tempfile
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bench import tiny_model
from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.frontend import engine, report
from bench.frontend.load import Plan
from bench.frontend.measure import CONTENDERS, measure

CYCLES = 2


def main() -> int:
    """Measure every contender in turn, twice, the second time in the opposite order."""
    args = _parser().parse_args()
    plan = Plan(tuple(args.streams), args.rounds, args.tokens)
    os.environ.update(engine.ENVIRONMENT)
    try:
        with tempfile.TemporaryDirectory() as folder:
            arguments = engine.arguments(tiny_model.make(Path(folder, "tiny")))
            about = {"plan": asdict(plan), "engine": arguments}
            with Found(
                args.json, partial(report.print_tables, list(CONTENDERS), plan.streams), **about
            ) as found:
                _run(arguments, plan, found)
    except (RuntimeError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(arguments: dict[str, Any], plan: Plan, found: Found) -> None:
    for cycle in range(CYCLES):
        for name in list(CONTENDERS)[:: -1 if cycle % 2 else 1]:
            print(f"cycle {cycle + 1} of {CYCLES}: {name}", file=sys.stderr)
            for measured in measure(name, arguments, plan):
                found.add(name, measured)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.frontend",
        "Tokens/s and time to first token of AsyncLLM in process, of Jarvis, and of vLLM's own "
        "OpenAI and gRPC servers, on one tiny model made on the spot.",
    )
    parser.add_argument("--rounds", type=positive_int, default=5, help="rounds at each start, and two starts")
    parser.add_argument("--tokens", type=positive_int, default=128, help="tokens of each answer")
    parser.add_argument("--streams", type=positive_int, nargs="+", default=[1, 64], help="streams at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
