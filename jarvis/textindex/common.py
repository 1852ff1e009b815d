"""Remembers which terms many rows have: counting those rows takes longer than all else before a search."""

from collections.abc import Mapping

REMEMBERED = 10_000
"""The most terms that are remembered of a collection; after that, they are counted again."""


class CommonTerms:
    """The terms of a collection that many rows were found to have; for use from any thread.

    A count remains true as a lower bound, less the rows that are deleted after it.
    """

    def __init__(self) -> None:
        self.deleted = 0
        """How many rows were deleted by transactions that have ended; read it before another one."""
        self._deleting = 0
        self._counts: dict[str, int] = {}

    def delete(self, rows: int) -> None:
        """Note that rows are deleted, before that is committed, and after earlier deletions have ended."""
        self.deleted = self._deleting
        self._deleting += rows

    def least(self, term: str) -> int:
        """Return how many rows have a term at the least; not above 0 if that is not known."""
        return self._counts.get(term, 0) - self._deleting

    def learn(self, counts: Mapping[str, int], deleted: int) -> None:
        """Remember how many rows have terms.

        Args:
            counts: the rows of each term, or fewer.
            deleted: what `deleted` was before the transaction that counted.
        """
        if len(self._counts) > REMEMBERED:
            self._counts.clear()
        self._counts.update({term: count + deleted for term, count in counts.items()})
