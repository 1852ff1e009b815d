"""Times searches by vector, by words and by both: `python -m bench.retrieval.modes --help`."""

import argparse
import asyncio
import random
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from itertools import count

import numpy as np
import uvloop

from bench.arguments import make_parser, positive_int
from bench.corpus import docstrings
from bench.found import Found
from bench.retrieval.data import unit
from bench.use_case import retrieval
from jarvis.app.bootstrap import take_turns
from jarvis.core.retrieval import Retrieval
from jarvis_ports.embedding import Matrix
from jarvis_ports.store import IndexSettings, Row
from jarvis_ports.values import Document, IngestEvent, IngestStart, SearchMode, SearchQuery

COLLECTION = "bench"
DIMENSION = 384
BATCH = 1000
WORDS = 120
"""The number of words in a row: about as many as a chunk of 256 tokens has."""
PAUSE = 0.01
"""Seconds between two searches, so that they coincide with more of an ingestion's work."""
LONGEST = 30
"""The most seconds spent on one mode, which may end before all questions are asked."""
DOCUMENT = 20
"""The number of docstrings in an ingested document."""


@dataclass(frozen=True)
class Times:
    """Milliseconds of the searches of one mode."""

    mode: str
    p50: float
    p95: float
    most: float
    searches: int
    ingesting: bool = False


def main() -> int:
    """Measure each mode, idle and then during an ingestion."""
    args = _parser().parse_args()
    take_turns()
    with Found(args.json, _print, rows=args.rows, top_k=args.top_k) as found:
        uvloop.run(_run(args, found))
    return 0


def _print(found: Found) -> None:
    print("\n| search | ingesting | p50, ms | p95, ms | most, ms | searches |\n|---|---|---|---|---|---|")
    for one in found.of("search"):
        times = f"{one.p50:.1f} | {one.p95:.1f} | {one.most:.1f}"
        print(f"| {one.mode} | {'yes' if one.ingesting else 'no'} | {times} | {one.searches} |")


async def _run(args: argparse.Namespace, found: Found) -> None:
    texts = docstrings()
    questions = [one.first for one in texts[:: max(1, len(texts) // args.queries)]][: args.queries]
    async with retrieval() as use_case:
        await _fill(use_case, args.rows, " ".join(one.rest for one in texts).split())
        for mode in SearchMode:
            found.add("search", await _measure(use_case, questions, mode, args.top_k))
        async with _ingesting(use_case, [one.rest for one in texts]):
            for mode in SearchMode:
                during = await _measure(use_case, questions, mode, args.top_k)
                found.add("search", replace(during, ingesting=True))


async def _fill(use_case: Retrieval, rows: int, words: Sequence[str]) -> None:
    """Store excerpts of real text with random vectors."""
    await use_case.collections.create(COLLECTION, IndexSettings())
    vectors = _vectors(rows)
    random_ = random.Random(0)  # noqa: S311
    for start in range(0, rows, BATCH):
        print(f"storing from row {start}", file=sys.stderr)
        part = vectors[start : start + BATCH]
        begins = [random_.randrange(len(words) - WORDS) for _ in part]
        texts = [" ".join(words[begin : begin + WORDS]) for begin in begins]
        await use_case.rows.upsert(
            COLLECTION, [Row(str(start + i), text) for i, text in enumerate(texts)], list(part)
        )


async def _measure(use_case: Retrieval, questions: Sequence[str], mode: SearchMode, top_k: int) -> Times:
    """Search for one question after another, and return the times."""
    seconds: list[float] = []
    begun = time.perf_counter()
    for question, vector in zip(questions, _vectors(len(questions)), strict=True):
        if seconds and time.perf_counter() - begun > LONGEST:
            break
        query = SearchQuery(COLLECTION, question, mode=mode, top_k=top_k, truncate=True)
        if mode is SearchMode.DENSE:
            query = SearchQuery(COLLECTION, vector=vector, mode=mode, top_k=top_k)
        start = time.perf_counter()
        await use_case.search.run(query)
        seconds.append(time.perf_counter() - start)
        await asyncio.sleep(PAUSE)
    p50, p95, most = (float(value) for value in np.quantile(seconds, [0.5, 0.95, 1]) * 1000)
    return Times(str(mode), p50, p95, most, len(seconds))


@asynccontextmanager
async def _ingesting(use_case: Retrieval, texts: Sequence[str]) -> AsyncIterator[None]:
    """Ingest new documents for as long as the block runs."""

    async def events() -> AsyncIterator[IngestEvent]:
        yield IngestStart(COLLECTION)
        for number in count():
            some = random.Random(number).sample(texts, DOCUMENT)  # noqa: S311
            yield Document(f"{number}.txt")
            yield "\n\n".join(some).encode()

    async def ingest() -> None:
        async for _ in use_case.ingest.run(events()):
            pass

    task = asyncio.create_task(ingest())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _vectors(number: int) -> Matrix:
    return unit(np.random.default_rng(0).standard_normal((number, DIMENSION), dtype=np.float32))


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.retrieval.modes",
        "Milliseconds of searches through the server's use case, with the real model and store, "
        "while nothing else runs and while documents are ingested: by a vector, by the words of a question, "
        "and by both, where the question is embedded first.",
    )
    parser.add_argument("--rows", type=positive_int, default=15_000, help="rows to search among")
    parser.add_argument("--queries", type=positive_int, default=300, help="searches of each mode")
    parser.add_argument("--top-k", type=positive_int, default=10, help="rows to find")
    return parser


if __name__ == "__main__":
    sys.exit(main())
