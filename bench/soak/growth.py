"""The rule by which a figure grows, or does not."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from statistics import median

HOUR = 3600.0
MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a figure may do.

    Attributes:
        an_hour: the most that it may grow in an hour, by its slope; None if only its idle values count.
        left: how much more it may be when all callers have gone than it was before; None if that is open.
    """

    an_hour: float | None = None
    left: float | None = None


def slope(times: Sequence[float], values: Sequence[float]) -> float:
    """Return the Theil-Sen slope: the median of the slopes between any two samples.

    Peaks, and up to 29 % of samples that are wrong, do not move it.
    """
    pairs = combinations(zip(times, values, strict=True), 2)
    return median((v2 - v1) / (t2 - t1) for (t1, v1), (t2, v2) in pairs if t2 != t1)


def low(times: Sequence[float], values: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return the minutes, and the lower quartile of each: what is given back again counts little.

    A leak lifts that as it lifts everything else. The slope of all samples was 20 MiB an hour in a run whose
    lowest samples did not grow at all (docs/benchmarks.md).
    """
    minutes = defaultdict(list)
    for at, value in zip(times, values, strict=True):
        minutes[(at - times[0]) // MINUTE].append(value)
    starts = sorted(minutes)
    quartiles = [sorted(minutes[start])[(len(minutes[start]) - 1) // 4] for start in starts]
    return [start * MINUTE for start in starts], quartiles


def grown(
    bounds: Bounds,
    times: Sequence[float],
    values: Sequence[float],
    before: float,
    after: float,
) -> list[str]:
    """Return in which ways a figure has grown; nothing if it has not.

    Args:
        bounds: what it may do.
        times: when it was sampled under load, in seconds.
        values: what it was then.
        before: its value while nobody called, before those samples.
        after: its value while nobody called, after them.
    """
    found = []
    if bounds.an_hour is not None and (hourly := slope(*low(times, values)) * HOUR) > bounds.an_hour:
        found.append(f"grows by {hourly:.1f} an hour, which is more than {bounds.an_hour:g}")
    if bounds.left is not None and after - before > bounds.left:
        found.append(f"was {before:g} before the load and is {after:g} after it")
    return found
