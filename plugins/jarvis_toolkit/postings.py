"""The slots of rows by the values of their metadata, so that not all need be tried if few pass a filter."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from jarvis_ports.filters import And, Equals, Filter, In, Or
from jarvis_ports.store import Row


class Postings:
    """The slots of rows by the strings and booleans in their metadata. Slots are added, and never removed.

    One thread at a time may add; any number may read meanwhile.
    """

    def __init__(self) -> None:
        self._slots: defaultdict[tuple[str, str | bool], list[int]] = defaultdict(list)

    def add(self, first: int, rows: Sequence[Row]) -> None:
        """Add rows, which are in the slots from `first` on."""
        for slot, row in enumerate(rows, first):
            for name, value in row.metadata.items():
                if isinstance(value, str | bool):
                    self._slots[name, value].append(slot)

    def slots(self, filter_: Filter | None, most: int) -> NDArray[np.int64] | None:
        """Return the slots of all rows that may pass a filter, in order; None if these may exceed `most`."""
        found = self._of(filter_, most)
        return None if found is None else np.array(sorted(found), np.int64)

    def _of(self, filter_: Filter | None, most: int) -> set[int] | None:
        match filter_:
            case Equals(name, str() | bool() as value):
                posted = self._slots.get((name, value), [])
                return None if len(posted) > most else set(posted)
            case In(name, values):
                return self._of(Or(tuple(Equals(name, value) for value in values)), most)
            case Or(clauses):
                each = [self._of(clause, most) for clause in clauses]
                together = set().union(*(found for found in each if found is not None))
                return None if None in each or len(together) > most else together
            case And(clauses):
                known = [found for clause in clauses if (found := self._of(clause, most)) is not None]
                return min(known, key=len) if known else None
            case _:
                return None
