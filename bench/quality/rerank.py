"""Measures searches that a model reranks, and the same without: `python -m bench.quality.rerank --help`."""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from math import log2

import numpy as np

from bench.arguments import make_parser, positive_int
from bench.corpus import Docstring
from bench.found import Found
from bench.quality.questions import COLLECTION, TOP_K, add_sample, sample, store
from bench.use_case import retrieval
from jarvis.core.generation.reranker import open_reranker
from jarvis.core.lifecycle.component import Component, WhenUnwell
from jarvis.core.reranking import Reranking
from jarvis.core.retrieval import Retrieval
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model
from jarvis.core.telemetry.instruments import Instruments
from jarvis.models import resolve
from jarvis.models.catalogue import DEMO_MODEL
from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import PortName
from jarvis_ports.reranker import Reranker
from jarvis_ports.values import SearchMode, SearchQuery


@dataclass(frozen=True)
class Quality:
    """The order of the first ten, and the milliseconds of a search; one row is right for each question."""

    order: str
    mrr: float
    ndcg: float
    hits: float
    p50: float
    p95: float


def main() -> int:
    """Measure the same questions without and with the reranker."""
    args = _parser().parse_args()
    found, asked = sample(args.rows, args.queries, args.seed)
    about = {"rows": len(found), "questions": len(asked), "model": args.model}
    with Found(args.json, _print, candidates=args.candidates, **about) as results:
        asyncio.run(_run(args, found, asked, results))
    return 0


def _print(found: Found) -> None:
    about = found.about
    print(f"\n{about['rows']} rows, {about['questions']} questions, {about['candidates']} candidates\n")
    print(
        f"| order | MRR@{TOP_K} | nDCG@{TOP_K} | hit@{TOP_K} | p50, ms | p95, ms |\n|---|---|---|---|---|---|"
    )
    for one in found.of("quality"):
        quality = f"{one.mrr:.3f} | {one.ndcg:.3f} | {one.hits:.3f}"
        print(f"| {one.order} | {quality} | {one.p50:.0f} | {one.p95:.0f} |")


async def _run(
    args: argparse.Namespace, found: Sequence[Docstring], asked: Sequence[int], results: Found
) -> None:
    async with _asking(args.model) as reranker:
        reranking = Reranking(reranker, Instruments())
        async with retrieval(reranking, args.candidates) as use_case:
            await store(use_case, found)
            for order, rerank in (("of the search", False), (f"of {args.model}", True)):
                results.add("quality", await _measure(use_case, order, found, asked, rerank=rerank))


@asynccontextmanager
async def _asking(name: str) -> AsyncIterator[Component[Reranker]]:
    """Open a model of the catalogue on vLLM, and the reranker that asks it."""
    adapter = load_plugins().get(PortName.LLM, "vllm")
    settings = adapter.settings.model_validate({"model": str(resolve(name))})
    model = Model(name, "vllm", partial(adapter.factory, settings), breaker=CircuitBreaker(5, 30))
    opener = partial(open_reranker, model, None, "en")
    reranker: Component[Reranker] = Component(PortName.RERANKER, name, "llm", opener, WhenUnwell.WAIT)
    runs = [asyncio.create_task(one.run()) for one in (model, reranker)]
    opened = asyncio.create_task(reranker.changed.wait())
    await asyncio.wait([*runs, opened], return_when=asyncio.FIRST_COMPLETED)
    try:
        for run in runs:
            if run.done():
                await run
        yield reranker
    finally:
        for task in (*runs, opened):
            task.cancel()
        await asyncio.wait(runs)


async def _measure(
    use_case: Retrieval, order: str, found: Sequence[Docstring], asked: Sequence[int], *, rerank: bool
) -> Quality:
    print(f"searching, in the order {order}", file=sys.stderr)
    ranks, seconds = [], []
    for number in asked:
        query = SearchQuery(
            COLLECTION, found[number].first, mode=SearchMode.HYBRID, top_k=TOP_K, truncate=True, rerank=rerank
        )
        start = time.perf_counter()
        result = await use_case.search.run(query)
        seconds.append(time.perf_counter() - start)
        if result.reranked != rerank:
            msg = "the reranker failed; see the log"
            raise RuntimeError(msg)
        ids = [hit.id for hit in result.hits]
        ranks.append(ids.index(str(number)) + 1 if str(number) in ids else None)
    there = [rank for rank in ranks if rank]
    p50, p95 = (float(value) for value in np.quantile(seconds, [0.5, 0.95]) * 1000)
    return Quality(
        order,
        sum(1 / rank for rank in there) / len(ranks),
        sum(1 / log2(1 + rank) for rank in there) / len(ranks),
        len(there) / len(ranks),
        p50,
        p95,
    )


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.quality.rerank",
        "Mean reciprocal rank, nDCG and hit rate of the hybrid search, and its time, in its own order and in "
        "that of a model which is asked about each of the first hits. The texts and the questions are those "
        "of bench.quality.",
    )
    add_sample(parser, queries=100)
    parser.add_argument("--candidates", type=positive_int, default=20, help="hits that are reranked")
    parser.add_argument("--model", default=DEMO_MODEL, help="a name of the catalogue, or a folder")
    return parser


if __name__ == "__main__":
    sys.exit(main())
