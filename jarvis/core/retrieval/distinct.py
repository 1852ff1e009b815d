"""Rows of one text are one hit: else copies of one document would fill an answer's sources."""

import math
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

from jarvis_ports.store import Row

MORE = 4
"""How many times as many rows are asked for again, where rows of one text leave too few."""
MOST_CANDIDATES = 5000
"""Rows asked for at most."""
TOLERANCE = 1e-3
"""How far the scores of one text may be apart: its vector differs a little from batch to batch."""


class Ranked(NamedTuple):
    """A row of a ranking."""

    row: Row
    score: float


async def distinct(fetch: Callable[[int], Awaitable[Sequence[Ranked]]], most: int) -> list[list[Ranked]]:
    """Return the rows of the `most` best texts, each with all its rows that are among the candidates.

    Rows of one text with another score are apart: their callers brought vectors of their own.

    Args:
        fetch: finds so many rows, the best first, or all there are.
        most: the most texts.
    """
    asked = most + 1  # the first row of another text tells that the last one is complete
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
