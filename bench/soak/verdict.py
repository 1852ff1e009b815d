"""What the figures may do, and what they did."""

from collections.abc import Iterator, Sequence

from bench.soak.growth import HOUR, Bounds, grown, low, slope
from bench.soak.watch import Sample

MEMORY = Bounds(an_hour=16)
INDEX = Bounds(an_hour=64)
"""Chroma's index keeps the place of each deleted row: docs/retrieval.md says so, and what takes it back."""
POOLS = Bounds(left=4)
"""Pools begin threads when they are first needed; a request that left one behind would leave thousands."""
BACK = Bounds(left=0)
FIGURES = {
    "memory of the server, MiB": MEMORY,
    "memory of the engine, MiB": MEMORY,
    "memory of the store, MiB": INDEX,
    "data on the disk, MiB": INDEX,
    "threads of the server": POOLS,
    "threads of the engine": BACK,
    "open files of the server": BACK,
    "open files of the engine": BACK,
    "processes": BACK,
    "tasks of the server": BACK,
}
"""The figures, and how much each may grow."""
BEFORE, LOAD, AFTER = "idle before", "mixed load", "idle after"
"""The phases whose samples are judged."""


def growth(samples: Sequence[Sample]) -> list[str]:
    """Return in which ways the figures have grown; nothing if they have not."""
    return [
        f"{name}: {problem}"
        for name, bounds in FIGURES.items()
        for problem in grown(bounds, *_load(samples, name), *_idle(samples, name))
    ]


def table(samples: Sequence[Sample]) -> Iterator[str]:
    """Yield the lines of a table: each figure when nobody called, its most, and its growth under load."""
    yield "| | idle before | most | idle after | an hour, by its slope | may grow by |"
    yield "|---|---|---|---|---|---|"
    for name, bounds in FIGURES.items():
        before, after = _idle(samples, name)
        most = max(sample.figures[name] for sample in samples)
        hourly = slope(*low(*_load(samples, name))) * HOUR
        allowed = f"{bounds.an_hour:g} an hour" if bounds.left is None else f"{bounds.left:g} when idle"
        yield f"| {name} | {before:.5g} | {most:.5g} | {after:.5g} | {hourly:+.1f} | {allowed} |"


def _load(samples: Sequence[Sample], name: str) -> tuple[list[float], list[float]]:
    chosen = [sample for sample in samples if sample.phase == LOAD]
    return [sample.seconds for sample in chosen], [sample.figures[name] for sample in chosen]


def _idle(samples: Sequence[Sample], name: str) -> tuple[float, float]:
    last = {sample.phase: sample.figures[name] for sample in samples}
    return last[BEFORE], last[AFTER]
