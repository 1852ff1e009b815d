"""Compares front ends, each on an engine of its own: `python -m bench.frontend --help`."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bench import tiny_model
from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.frontend import engine, report
from bench.frontend.load import Plan
from bench.frontend.measure import CONTENDERS, started

DEFAULT = list(CONTENDERS)[:4]
REST_SECONDS = 1.5
"""Between two rounds: an engine looks for work for a second, on the CPU of the next one's worker."""


def main() -> int:
    """Measure all that are asked for by turns, each second time in the opposite order."""
    args = _parser().parse_args()
    plan = Plan(tuple(args.streams), args.rounds, args.tokens)
    names = [name for name in CONTENDERS if name in (args.only or DEFAULT)]
    os.environ.update(engine.ENVIRONMENT)
    try:
        with tempfile.TemporaryDirectory() as folder:
            arguments = engine.arguments(tiny_model.make(Path(folder, "tiny")))
            about = {"plan": asdict(plan), "engine": arguments}
            show = partial(report.print_tables, names, plan.streams)
            with Found(args.json, show, **about) as found:
                _run(names, arguments, plan, found)
    except (RuntimeError, ModuleNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _run(names: Sequence[str], arguments: dict[str, Any], plan: Plan, found: Found) -> None:
    print(f"starting {', '.join(names)}", file=sys.stderr)
    with started(names, arguments) as contenders:
        for number in range(plan.rounds + 1):
            print(f"round {number} of {plan.rounds}", file=sys.stderr)
            for streams in plan.streams:
                for name in names[:: -1 if number % 2 else 1]:
                    time.sleep(REST_SECONDS)
                    measured = contenders[name].round(streams, plan)
                    if number:  # the first warms up
                        found.add(name, measured)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.frontend",
        "Tokens/s, time to first token, and CPU time a token, of Jarvis and of vLLM's own front ends, each "
        "with an engine of one tiny model made on the spot. All are up at once, and are loaded by turns.",
    )
    parser.add_argument("--rounds", type=positive_int, default=8, help="rounds of each, after one to warm up")
    parser.add_argument("--tokens", type=positive_int, default=128, help="tokens of each answer")
    parser.add_argument(
        "--streams", type=positive_int, nargs="+", default=[1, 64, 256], help="streams at once"
    )
    parser.add_argument(
        "--only", nargs="+", choices=list(CONTENDERS), metavar="NAME", help=f"of {', '.join(CONTENDERS)}"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
