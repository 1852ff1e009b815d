"""Compares searches by vector: `python -m bench.retrieval --help`."""

import argparse
import asyncio
import json
import sys
from dataclasses import asdict
from pathlib import Path

from bench.arguments import positive_int
from bench.retrieval.data import KINDS, Data, make
from bench.retrieval.sides import SIDES, Measured, measure


def main() -> int:
    """Measure every side on every kind of data."""
    args = _parser().parse_args()
    results = []
    for kind in args.data:
        data = make(kind, args.rows, args.queries)
        for side in SIDES:
            print(f"{kind}: {side}", file=sys.stderr)
            results += asyncio.run(measure(side, data, args.top_k))
        print(_table(data, [one for one in results if one.data == kind]))
    if args.json:
        args.json.write_text(json.dumps([asdict(one) for one in results], indent=2) + "\n", encoding="utf-8")
    return 0


def _table(data: Data, results: list[Measured]) -> str:
    rows, dimension = data.vectors.shape
    lines = [
        f"\n{data.kind}: {rows:,} rows of {dimension} components, {len(data.queries)} queries\n",
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
    parser = argparse.ArgumentParser(
        prog="python -m bench.retrieval",
        description="Milliseconds and recall of searches, one after another: Chroma with its defaults, "
        "Chroma tuned, Jarvis's store with its rows in memory and without, idle and while another task "
        "ingests, and numpy.",
    )
    parser.add_argument(
        "--rows", type=positive_int, default=10_000, help="rows; of real texts, as many as there are"
    )
    parser.add_argument("--queries", type=positive_int, default=300, help="queries")
    parser.add_argument("--top-k", type=positive_int, default=10, help="rows to find")
    parser.add_argument("--data", nargs="+", choices=KINDS, default=list(KINDS), help="what the vectors are")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the results there as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
