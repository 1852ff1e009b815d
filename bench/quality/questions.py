"""Docstrings to be found, and the questions that they answer."""

import random
import sys
from argparse import ArgumentParser
from collections.abc import Sequence

from bench.arguments import positive_int
from bench.corpus import Docstring, docstrings
from jarvis.core.retrieval import Retrieval
from jarvis_ports.store import IndexSettings, Row

TOP_K = 10
BATCH = 500
COLLECTION = "docstrings"


def add_sample(parser: ArgumentParser, queries: int) -> None:
    """Add the arguments that say what is stored, and what is asked."""
    parser.add_argument(
        "--rows", type=positive_int, help="take the first so many docstrings; all when left out"
    )
    parser.add_argument("--queries", type=positive_int, default=queries, help="questions, drawn at random")
    parser.add_argument("--seed", type=int, default=1, help="of the drawing")


def sample(rows: int | None, queries: int, seed: int) -> tuple[list[Docstring], list[int]]:
    """Return docstrings, and the places of those whose first sentences are asked."""
    found = list({one.rest: one for one in docstrings()}.values())[:rows]
    return found, random.Random(seed).sample(range(len(found)), min(queries, len(found)))  # noqa: S311


async def store(use_case: Retrieval, found: Sequence[Docstring]) -> None:
    """Store what follows the first sentence of each docstring, under its place."""
    await use_case.collections.create(COLLECTION, IndexSettings())
    for start in range(0, len(found), BATCH):
        print(f"storing from row {start}", file=sys.stderr)
        part = found[start : start + BATCH]
        rows = [Row(str(start + i), docstring.rest) for i, docstring in enumerate(part)]
        await use_case.rows.upsert(COLLECTION, rows, [None] * len(rows), truncate=True)
