"""Measures what a phase of look-ups finds, and how long a look-up takes."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from jarvis.core.embedding import Embedding
from jarvis.core.lifecycle.component import Component
from jarvis_ports.cache import Cache
from jarvis_ports.embedding import TextRole


@dataclass(frozen=True)
class Times:
    """Microseconds to a vector from one source: the median and the 95th percentile."""

    source: str
    median: float
    p95: float


class Counted:
    """Counts the hits of a cache."""

    def __init__(self, component: Component[Cache]) -> None:
        self.component = component
        self.hits = 0
        cache: Any = component.port
        inner = cache.get

        async def get(keys: Sequence[bytes]) -> dict[bytes, bytes]:
            found: dict[bytes, bytes] = await inner(keys)
            self.hits += len(found)
            return found

        cache.get = get


@dataclass(frozen=True)
class Phase:
    """The number of hits of some look-ups, by tier."""

    name: str
    lookups: int
    memory: int
    disk: int
    seconds: float

    def row(self) -> str:
        found, memory, disk = (
            f"{100 * hits / self.lookups:.2f} %" for hits in (self.memory + self.disk, self.memory, self.disk)
        )
        return f"| {self.name} | {found} | {memory} | {disk} | {self.lookups / self.seconds:,.0f} |"


def zipf(texts: int, lookups: int, exponent: float, seed: int) -> list[str]:
    """Draw texts; the probability of the n-th is proportional to n to the power of -exponent."""
    weights = np.arange(1, texts + 1) ** -exponent
    ranks = np.random.default_rng(seed).choice(texts, lookups, p=weights / weights.sum())
    return [f"text {rank} of those that are looked up" for rank in ranks]


async def look_up(name: str, embedding: Embedding, tiers: Sequence[Counted], draw: Sequence[str]) -> Phase:
    """Look up texts one after another, and return what was found."""
    before = [tier.hits for tier in tiers]
    started = time.perf_counter()
    for text in draw:
        await embedding.embed([text], TextRole.DOCUMENT)
    seconds = time.perf_counter() - started
    memory, disk = (tier.hits - hits for tier, hits in zip(tiers, before, strict=True))
    return Phase(name, len(draw), memory, disk, seconds)


async def time_to_vector(source: str, embedding: Embedding, texts: Sequence[str]) -> Times:
    """Time look-ups, one after another."""
    times = []
    for text in texts:
        started = time.perf_counter()
        await embedding.embed([text], TextRole.DOCUMENT)
        times.append(1e6 * (time.perf_counter() - started))
    median, most = np.percentile(times, [50, 95])
    return Times(source, float(median), float(most))
