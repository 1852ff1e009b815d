"""Measures searches in PostgreSQL: `python -m bench.retrieval.postgres --help`."""

import argparse
import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, replace

import numpy as np

from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.retrieval.data import KINDS, Data, make
from jarvis_pgvector import open_pgvector, schema
from jarvis_pgvector.settings import PgvectorSettings
from jarvis_ports.filters import Equals, Filter
from jarvis_ports.store import CollectionSpec, Row, VectorStore

COLLECTION = "bench"
TOP_K = 10
ADDED = 500


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds a search, the share of the nearest rows that it finds, and how fast rows were written."""

    side: str
    rows: int
    p50: float
    p95: float
    recall: float
    rows_a_second: float


async def measure(store: VectorStore, data: Data) -> AsyncIterator[Measured]:
    """Search by comparing all rows, then with an index; every other row passes the filter."""
    spec = CollectionSpec(COLLECTION, data.vectors.shape[1], "bench", "1")
    rows = [Row(str(i), text, {"odd": i % 2}) for i, text in enumerate(data.texts)]
    schema.EXACT_BELOW = 2 * len(rows)
    await store.create(spec)
    try:
        await store.upsert(COLLECTION, rows, data.vectors)
        for side in ("all compared", "index"):
            found = [
                await searched(store, data, side, None),
                await searched(store, data, f"{side}, filtered", Equals("odd", 0)),
            ]
            speed = await written(store, data)
            for one in found:
                yield replace(one, rows_a_second=speed)
            if side != "index":
                schema.EXACT_BELOW = 0
                began = time.perf_counter()
                async with aclosing(store.rebuild(spec)) as steps:
                    async for _ in steps:
                        pass
                print(f"rebuilt with an index in {time.perf_counter() - began:.0f} s", file=sys.stderr)
    finally:
        await store.drop(COLLECTION)


async def written(store: VectorStore, data: Data) -> float:
    """Write rows like those that are there, delete them again, and return how many were written a second."""
    rng = np.random.default_rng(1)
    vectors = data.vectors[:ADDED] + rng.normal(0, 0.01, data.vectors[:ADDED].shape).astype(np.float32)
    rows = [Row(f"added {i}", text, {"odd": 1}) for i, text in enumerate(data.texts[:ADDED])]
    began = time.perf_counter()
    await store.upsert(COLLECTION, rows, vectors)
    speed = len(rows) / (time.perf_counter() - began)
    await store.delete(COLLECTION, [row.id for row in rows])
    return speed


async def searched(store: VectorStore, data: Data, side: str, filter_: Filter | None) -> Measured:
    """Run one query after another."""
    step = 2 if filter_ else 1
    near = np.argsort(-(data.queries @ data.vectors[::step].T), axis=1)[:, :TOP_K] * step
    took, found = [], 0
    for query, truth in zip(data.queries, near, strict=True):
        began = time.perf_counter()
        hits = await store.query(COLLECTION, query, TOP_K, filter_)
        took.append(time.perf_counter() - began)
        found += len({int(hit.row.id) for hit in hits} & set(truth.tolist()))
    p50, p95 = np.quantile(took, [0.5, 0.95]) * 1000
    return Measured(side, len(data.vectors), float(p50), float(p95), found / near.size, 0)


async def main() -> int:
    """Measure each kind of data."""
    args = _parser().parse_args()
    with Found(args.json, _print) as found:
        async with open_pgvector(PgvectorSettings(url=args.url, timeout_seconds=600)) as store:
            for kind in args.data:
                async for measured in measure(store, make(kind, args.rows, args.queries)):
                    found.add(kind, measured)
    return 0


def _print(found: Found) -> None:
    for kind in KINDS:
        if results := found.of(kind):
            print(f"\n{kind}: {results[0].rows:,} rows\n")
            print("| search | p50, ms | p95, ms | recall | rows written a second |\n|---|---|---|---|---|")
            for one in results:
                cells = (f"{one.p50:.1f}", f"{one.p95:.1f}", f"{one.recall:.3f}", f"{one.rows_a_second:.0f}")
                print(f"| {one.side} | {' | '.join(cells)} |")


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.retrieval.postgres",
        "Milliseconds and recall of searches of the store pgvector, one after another, idle: all rows "
        "compared, and with an index.",
    )
    parser.add_argument("--url", required=True, help="a database, in which the collection `bench` is made")
    parser.add_argument("--rows", type=positive_int, default=20_000, help="rows")
    parser.add_argument("--queries", type=positive_int, default=100, help="queries")
    parser.add_argument("--data", nargs="+", choices=KINDS, default=["clustered-384"], help="kinds of data")
    return parser


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
