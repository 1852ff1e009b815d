"""Measures how good the modes of search are: `python -m bench.quality --help`."""

import argparse
import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from bench.arguments import make_parser
from bench.corpus import Docstring
from bench.found import Found
from bench.quality.questions import COLLECTION, TOP_K, add_sample, sample, store
from bench.use_case import retrieval
from jarvis.core.retrieval import Retrieval
from jarvis_ports.values import SearchMode, SearchQuery


@dataclass(frozen=True)
class Quality:
    """For one mode, the mean of 1 / rank of the right row in the first ten, and how often it is there."""

    mode: str
    mrr: float
    hits: float


def main() -> int:
    """Measure each mode with the same questions."""
    args = _parser().parse_args()
    found, asked = sample(args.rows, args.queries, args.seed)
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
        await store(use_case, found)
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
    add_sample(parser, queries=600)
    return parser


if __name__ == "__main__":
    sys.exit(main())
