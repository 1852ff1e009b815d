"""Makes one hit of the rows of one text: otherwise copies of a document would fill an answer's sources."""

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from jarvis_ports.store import Row

MORE = 4
"""The factor by which more rows are asked for if rows of the same text leave too few texts."""
MOST_CANDIDATES = 5000
"""The most rows that are asked for."""
TOLERANCE = 1e-3
"""The most by which scores of the same text may differ: its vector varies a little from batch to batch."""


class Ranked(NamedTuple):
    """A row of a ranking."""

    row: Row
    score: float


async def distinct(fetch: Callable[[int], Awaitable[Sequence[Ranked]]], most: int) -> list[list[Ranked]]:
    """Return the `most` best texts, each as the list of its rows that are among the candidates.

    Rows with the same text but different scores are kept apart: callers supplied their vectors.

    Args:
        fetch: finds this many rows, the best first, or all there are.
        most: the most texts.
    """
    asked = most + 1  # the first row of one more text shows that the last one is complete
    while True:
        found = await fetch(asked)
        groups: list[list[Ranked]] = []
        latest: dict[str, list[Ranked]] = {}
        for one in found:
            group = latest.get(one.row.text)
            if group is None or not math.isclose(
                group[0].score, one.score, rel_tol=TOLERANCE, abs_tol=TOLERANCE
            ):
                group = latest[one.row.text] = []
                groups.append(group)
            group.append(one)
        if len(groups) > most or len(found) < asked or asked >= MOST_CANDIDATES:
            return groups[:most]
        asked = min(asked * MORE, MOST_CANDIDATES)
