"""Makes one hit of the rows of one text: otherwise copies of a document would fill an answer's sources."""

import math
from collections.abc import Awaitable, Callable, Sequence

from jarvis.core.retrieval.text_index import Ranked

MORE = 4
"""The factor by which more rows are asked for if rows of the same text leave too few texts."""
MOST_CANDIDATES = 5000
"""The most rows that are asked for."""
TOLERANCE = 1e-3
"""The most by which scores of the same text may differ: its vector varies a little from batch to batch."""


async def distinct(fetch: Callable[[int], Awaitable[Sequence[Ranked]]], most: int) -> list[list[Ranked]]:
    """Return the `most` best texts, each as the list of its rows that are among the candidates.

    Args:
        fetch: finds this many rows, the best first, or all there are.
        most: the most texts.
    """
    asked = most + 1  # the first row of one more text shows that the last one is complete
    while True:
        found = await fetch(asked)
        groups = grouped(found)
        if len(groups) > most or len(found) < asked or asked >= MOST_CANDIDATES:
            return groups[:most]
        asked = min(asked * MORE, MOST_CANDIDATES)


def grouped(ranking: Sequence[Ranked]) -> list[list[Ranked]]:
    """Return the rows of each text, in the order of the texts' first rows.

    Rows with the same text but different scores are kept apart: callers supplied their vectors.
    """
    groups: list[list[Ranked]] = []
    latest: dict[str, list[Ranked]] = {}
    for one in ranking:
        group = latest.get(one.row.text)
        if group is None or not math.isclose(group[0].score, one.score, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            group = latest[one.row.text] = []
            groups.append(group)
        group.append(one)
    return groups
