"""Measures the search of many rows in memory: `python -m bench.retrieval.many --help`."""

import argparse
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import psutil

from bench.arguments import make_parser, positive_int
from bench.found import Found
from bench.retrieval.data import KINDS, SENTENCES, Data, make
from bench.retrieval.peers import PEERS, TOP_K, Search
from jarvis_adapters.chroma.cached import CHUNK, EXACT_BELOW
from jarvis_ports.embedding import Matrix
from jarvis_ports.store import Row, Space
from jarvis_toolkit.memory_index import MemoryIndex

PAUSE = 0.005
"""Seconds between two queries, and between two writes of `CHUNK` rows: Chroma takes longer for each."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Milliseconds a search of one thread, the share of the 10 nearest rows that it finds, and what it took.

    `seconds` is how long it took to make the index, and `bytes_a_row` how much memory; 0 if not measured.
    """

    side: str
    rows: int
    p50: float
    p95: float
    recall: float
    seconds: float
    bytes_a_row: float


def main() -> int:
    """Measure each kind of data."""
    args = _parser().parse_args()
    with Found(args.json, _print) as found:
        for kind in args.data:
            print(f"{kind}: {args.rows:,} rows", file=sys.stderr)
            for measured in _measure(make(kind, args.rows, args.queries), args.peers):
                found.add(kind, measured)
    return 0


def _measure(data: Data, peers: Sequence[str]) -> Iterator[Measured]:
    truth = data.truth(TOP_K)

    def asked(side: str, search: Search, seconds: float = 0, bytes_a_row: float = 0) -> Measured:
        took, found = [], 0
        for query, nearest in zip(data.queries, truth, strict=True):
            began = time.perf_counter()
            ids = search(query)
            took.append(time.perf_counter() - began)
            found += len(set(ids) & {str(number) for number in nearest})
            time.sleep(PAUSE)
        p50, p95 = np.quantile(took, [0.5, 0.95]) * 1000
        recall = found / truth.size
        return Measured(side, len(data.vectors), float(p50), float(p95), recall, seconds, bytes_a_row)

    rows = [Row(str(number), "") for number in range(len(data.vectors))]
    before, began = psutil.Process().memory_info().rss, time.perf_counter()
    index = MemoryIndex(Space.COSINE, data.vectors.shape[1], EXACT_BELOW, capacity=len(rows))
    for start in range(0, len(rows), 200):
        index.upsert(rows[start : start + 200], data.vectors[start : start + 200])
    seconds = time.perf_counter() - began
    bytes_a_row = (psutil.Process().memory_info().rss - before) / len(rows)

    def by_codes(query: Matrix) -> list[str]:
        return [match.row.id for match in index.query(query, TOP_K)]

    yield asked("Jarvis", by_codes, seconds, bytes_a_row)
    with _written(index, rows, data):
        yield asked("Jarvis, while another thread writes", by_codes)
    for name in peers:
        began = time.perf_counter()
        with PEERS[name](data) as search:
            yield asked(name, search, time.perf_counter() - began)


@contextmanager
def _written(index: MemoryIndex, rows: Sequence[Row], data: Data) -> Iterator[None]:
    """Write rows once more in another thread, so that those to be found stay the same."""
    end = threading.Event()

    def write() -> None:
        for start in range(0, len(rows), CHUNK):
            if end.wait(PAUSE):
                return
            index.upsert(rows[start : start + CHUNK], data.vectors[start : start + CHUNK])

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _print(found: Found) -> None:
    for kind in (*KINDS, SENTENCES):
        if results := found.of(kind):
            print(f"\n{kind}: {results[0].rows:,} rows\n")
            print("| search | p50, ms | p95, ms | recall | seconds to make | bytes a row |")
            print("|---|---|---|---|---|---|")
            for one in results:
                print(
                    f"| {one.side} | {one.p50:.2f} | {one.p95:.2f} | {one.recall:.4f} "
                    f"| {one.seconds:.0f} | {one.bytes_a_row:,.0f} |"
                )


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.retrieval.many",
        "Milliseconds and recall of searches in memory, one after another, of so many rows that they are "
        "compared by codes: Jarvis, idle and while another thread writes, and its peers. A graph of 200,000 "
        "rows takes minutes to make.",
    )
    parser.add_argument("--rows", type=positive_int, default=200_000, help="rows")
    parser.add_argument("--queries", type=positive_int, default=300, help="queries")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS), help="what to compare with")
    kinds = [*(kind for kind in KINDS if not kind.startswith("real")), SENTENCES]
    parser.add_argument("--data", nargs="+", choices=kinds, default=kinds, help="what the vectors are")
    return parser


if __name__ == "__main__":
    sys.exit(main())
