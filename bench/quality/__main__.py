"""Measures how good the modes of search are: `python -m bench.quality --help`."""

import argparse
import asyncio
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bench.arguments import make_parser, positive_int
from bench.corpus import Docstring, docstrings
from bench.found import Found
from bench.use_case import retrieval
from jarvis.core.retrieval import Retrieval
from jarvis_ports.store import IndexSettings, Row
from jarvis_ports.values import SearchMode, SearchQuery

TOP_K = 10
BATCH = 500
COLLECTION = "docstrings"


@dataclass(frozen=True)
class Quality:
    """For one mode, the mean of 1 / rank of the right row in the first ten, and how often it is there."""

    mode: str
    mrr: float
    hits: float


def main() -> int:
    """Measure each mode with the same questions."""
    args = _parser().parse_args()
    found = list({one.rest: one for one in docstrings()}.values())[: args.rows]
    asked = random.Random(args.seed).sample(range(len(found)), min(args.queries, len(found)))  # noqa: S311
    with Found(args.json, _print, rows=len(found), questions=len(asked)) as results:
        asyncio.run(_run(found, asked, results))
    return 0


def _print(found: Found) -> None:
    print(f"\n{found.about['rows']} rows, {found.about['questions']} questions\n")
    print(f"| mode | MRR@{TOP_K} | hit@{TOP_K} |\n|---|---|---|")
    for one in found.of("quality"):
        print(f"| {one.mode} | {one.mrr:.3f} | {one.hits:.3f} |")


async def _run(found: Sequence[Docstring], asked: Sequence[int], results: Found) -> None:
    async with retrieval() as use_case:
        await use_case.collections.create(COLLECTION, IndexSettings())
        for start in range(0, len(found), BATCH):
            print(f"storing from row {start}", file=sys.stderr)
            part = found[start : start + BATCH]
            rows = [Row(str(start + i), docstring.rest) for i, docstring in enumerate(part)]
            await use_case.rows.upsert(COLLECTION, rows, [None] * len(rows), truncate=True)
        for mode in SearchMode:
            results.add("quality", await _measure(use_case, mode, found, asked))


async def _measure(
    use_case: Retrieval, mode: SearchMode, found: Sequence[Docstring], asked: Sequence[int]
) -> Quality:
    print(f"searching: {mode}", file=sys.stderr)
    ranks = []
    for number in asked:
        query = SearchQuery(COLLECTION, found[number].first, mode=mode, top_k=TOP_K, truncate=True)
        ids = [hit.id for hit in (await use_case.search.run(query)).hits]
        ranks.append(ids.index(str(number)) + 1 if str(number) in ids else None)
    reciprocal = [1 / rank if rank else 0 for rank in ranks]
    return Quality(mode, sum(reciprocal) / len(ranks), sum(rank is not None for rank in ranks) / len(ranks))


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.quality",
        "Mean reciprocal rank and hit rate of the dense, sparse and hybrid search, through the "
        "server's use case with the real model and store. The texts are the docstrings of Python's standard "
        "library: the first sentence is the question, and the rest is to be found.",
    )
    parser.add_argument(
        "--rows", type=positive_int, help="take the first so many docstrings; all when left out"
    )
    parser.add_argument("--queries", type=positive_int, default=600, help="questions, drawn at random")
    parser.add_argument("--seed", type=int, default=1, help="of the drawing")
    return parser


if __name__ == "__main__":
    sys.exit(main())
