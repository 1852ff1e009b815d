"""Remembers which terms are common."""

from jarvis.textindex.schema import Collection

REMEMBERED = 10_000
"""The most terms that are remembered."""


class CommonTerms:
    """The terms that were found in too many rows of a collection to be searched for alongside rarer ones.

    Counting their rows again took a quarter of the time of a search. A term stays common until the number of
    rows has changed by an eighth.
    """

    def __init__(self) -> None:
        self._rows: dict[tuple[int, str], int] = {}

    def add(self, term: str, at: Collection) -> None:
        """Remember a term that is common in a collection of this many rows."""
        if len(self._rows) >= REMEMBERED:
            self.clear()
        self._rows[at.number, term] = at.rows

    def has(self, term: str, at: Collection) -> bool:
        """Return whether a term is known to be common in a collection that now has this many rows."""
        then = self._rows.get((at.number, term))
        return then is not None and abs(at.rows - then) <= then // 8

    def clear(self) -> None:
        """Forget all terms."""
        self._rows.clear()
