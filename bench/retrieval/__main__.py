"""Compares searches by vector: `python -m bench.retrieval --help`."""

import argparse
import asyncio
import sys

from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.retrieval.data import KINDS, make
from bench.retrieval.sides import SIDES, Measured, measure


def main() -> int:
    """Measure every side on every kind of data."""
    args = _parser().parse_args()
    with Found(args.json, _print) as found:
        for kind in args.data:
            data = make(kind, args.rows, args.queries)
            for side in SIDES:
                print(f"{kind}: {side}", file=sys.stderr)
                for measured in asyncio.run(measure(side, data, args.top_k)):
                    found.add(kind, measured)
    return 0


def _print(found: Found) -> None:
    for kind in KINDS:
        if results := found.of(kind):
            print(_table(kind, results))


def _table(kind: str, results: list[Measured]) -> str:
    lines = [
        f"\n{kind}: {results[0].rows:,} rows\n",
        "| search | p50, ms | p95, ms | recall | queries | rows ingested |",
        "|---|---|---|---|---|---|",
    ]
    for one in results:
        cells = (
            one.side,
            f"{one.p50:.2f}",
            f"{one.p95:.2f}",
            f"{one.recall:.4f}",
            one.queries,
            one.rows_ingested,
        )
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.retrieval",
        "Milliseconds and recall of searches, one after another: Chroma with its defaults, "
        "Chroma tuned, Jarvis's store with its rows in memory and without, idle and while another task "
        "ingests, and numpy.",
    )
    parser.add_argument(
        "--rows", type=positive_int, default=10_000, help="rows; of real texts, as many as there are"
    )
    parser.add_argument("--queries", type=positive_int, default=300, help="queries")
    parser.add_argument("--top-k", type=positive_int, default=10, help="rows to find")
    parser.add_argument("--data", nargs="+", choices=KINDS, default=list(KINDS), help="what the vectors are")
    return parser


if __name__ == "__main__":
    sys.exit(main())
