"""Measures how well difficulty is estimated, and how fast: `python -m bench.difficulty --help`."""

import argparse
import asyncio
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import numpy as np
from scipy.stats import kendalltau, spearmanr

from bench.arguments import make_parser, positive_int
from bench.difficulty.labels import NAMES, SETS, TIERS, Query, load, tier
from bench.found import Found
from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import PortName
from jarvis_ports.difficulty import DifficultyEstimator, Estimate

LIMIT = 200.0
"""The most microseconds that an estimate may take."""
LONG = 100_000
"""The size of the long text in bytes."""


@dataclass(frozen=True)
class Agreement:
    """How well estimates agree with the labels of some queries; the shares are of these queries."""

    name: str
    queries: int
    confusion: list[list[int]]
    """Counts, with a row for each tier of the label and a column for each tier of the estimate."""
    accuracy: float
    off_by_two: float
    spearman: float
    kendall: float
    languages: dict[str, int]


@dataclass(frozen=True)
class Latency:
    """Microseconds per estimate."""

    name: str
    p50: float
    p99: float


def main() -> int:
    """Compare the estimates with the labels, then measure their time."""
    args = _parser().parse_args()
    with Found(args.json, _print) as found:
        asyncio.run(_run(args.passes, found))
    return 0


def _print(found: Found) -> None:
    agreements, latencies = found.of("agreement"), found.of("latency")
    for one in agreements:
        if one.name in SETS:
            print(f"\n{one.name}: tier of the label (rows), of the estimate (columns)\n")
            _table(("", *NAMES), ((name, *row) for name, row in zip(NAMES, one.confusion, strict=True)))
    print()
    _table(
        ("set", "queries", "accuracy", "off by two tiers", "Spearman", "Kendall tau-b", "language"),
        (
            (
                one.name,
                one.queries,
                *(f"{x:.2f}" for x in (one.accuracy, one.off_by_two, one.spearman, one.kendall)),
                ", ".join(f"{number} {kind}" for kind, number in one.languages.items()),
            )
            for one in agreements
        ),
    )
    print()
    _table(
        ("text", "p50 µs", "p99 µs", f"p50 / {LIMIT:.0f} µs", f"p99 / {LIMIT:.0f} µs"),
        (
            (one.name, f"{one.p50:.0f}", f"{one.p99:.0f}", f"{one.p50 / LIMIT:.2f}", f"{one.p99 / LIMIT:.2f}")
            for one in latencies
        ),
    )


async def _run(passes: int, found: Found) -> None:
    sets = {name: load(name) for name in SETS}
    async with _heuristic() as estimator:
        for name, queries in sets.items():
            pairs = [(query, await estimator.estimate(query.text)) for query in queries]
            found.add("agreement", _agreement(name, pairs))
            for language in sorted({query.language for query in queries}):
                part = [(query, estimate) for query, estimate in pairs if query.language == language]
                found.add("agreement", _agreement(f"{name}, {language}", part))
        texts = [query.text for queries in sets.values() for query in queries]
        joined = "\n".join(texts).encode()
        long = (joined * (LONG // len(joined) + 1))[:LONG].decode(errors="ignore")
        for name, some in (("a query", texts), ("100 kB", [long])):
            found.add("latency", await _latency(estimator, name, some, passes))


def _heuristic() -> AbstractAsyncContextManager[DifficultyEstimator]:
    adapter = load_plugins().get(PortName.ESTIMATOR, "heuristic")
    return adapter.factory(adapter.settings())


def _agreement(name: str, pairs: Sequence[tuple[Query, Estimate]]) -> Agreement:
    confusion = np.zeros((len(TIERS), len(TIERS)), dtype=int)
    languages = Counter({"right": 0, "wrong": 0, "none": 0})
    for query, estimate in pairs:
        confusion[tier(query.difficulty), tier(estimate.difficulty)] += 1
        right = "right" if estimate.language == query.language else "wrong"
        languages["none" if estimate.language is None else right] += 1
    labels = [query.difficulty for query, _ in pairs]
    estimates = [estimate.difficulty for _, estimate in pairs]
    tiers = np.arange(len(TIERS))
    distance = np.abs(tiers[:, None] - tiers)
    return Agreement(
        name,
        len(pairs),
        confusion.tolist(),
        accuracy=float(confusion[distance == 0].sum() / len(pairs)),
        off_by_two=float(confusion[distance >= 2].sum() / len(pairs)),
        spearman=float(spearmanr(labels, estimates).statistic),
        kendall=float(kendalltau(labels, estimates, variant="b").statistic),
        languages=dict(languages),
    )


async def _latency(estimator: DifficultyEstimator, name: str, texts: Sequence[str], passes: int) -> Latency:
    """Time each text in each pass; a number at its end makes it new, so that no cache can answer."""
    took = []
    warm_up = max(passes // 10, 1)
    for number in range(passes + warm_up):
        for text in texts:
            new = f"{text} {number}"
            start = time.perf_counter_ns()
            await estimator.estimate(new)
            if number >= warm_up:
                took.append((time.perf_counter_ns() - start) / 1000)
    p50, p99 = np.percentile(took, [50, 99])
    return Latency(name, float(p50), float(p99))


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    for row in (head, ["---"] * len(head), *rows):
        print("| " + " | ".join(map(str, row)) + " |")


def _parser() -> argparse.ArgumentParser:
    parser = make_parser(
        "bench.difficulty",
        "How the estimates of the adapter `heuristic` agree with labelled queries, by tier and "
        "by rank, and how long they take. It was tuned on one set, and has never seen the other.",
    )
    parser.add_argument("--passes", type=positive_int, default=200, help="over all texts, to take the time")
    return parser


if __name__ == "__main__":
    sys.exit(main())
