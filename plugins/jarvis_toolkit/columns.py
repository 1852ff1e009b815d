"""The metadata of rows as arrays, so that a filter need not be tried on one row after another."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import ge, gt, le, lt
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from jarvis_ports.filters import And, Equals, Exists, Filter, In, Not, Or, Range, Value, matches
from jarvis_ports.store import Row

Mask = NDArray[np.bool_]
MISSING, NUMBER, BOOLEAN, STRING = range(4)
EXACT = 2**53
"""Integers beyond this are not all floats; fields with such are compared row by row."""


@dataclass
class Column:
    """One field: of each row the kind of its value, and the value; that of a string is its number."""

    kinds: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8))
    values: NDArray[np.float64] = field(default_factory=lambda: np.empty(0, np.float64))
    strings: dict[str, int] = field(default_factory=dict)
    exact: bool = True

    def extend(self, values: Sequence[Value | None]) -> None:
        """Add the values of more rows; None where there is none."""
        if not values:
            return
        coded = [self._coded(value) for value in values]
        self.kinds = np.append(self.kinds, np.array([kind for kind, _ in coded], np.uint8))
        self.values = np.append(self.values, np.array([value for _, value in coded], np.float64))

    def _coded(self, value: Value | None) -> tuple[int, float]:
        match value:
            case None:
                return MISSING, 0
            case bool():
                return BOOLEAN, value
            case str():
                return STRING, self.strings.setdefault(value, len(self.strings))
            case _:
                self.exact = self.exact and _exact(value)
                return NUMBER, float(value) if self.exact else 0


class Columns:
    """The fields of some rows. Each is made when a filter first asks for it: 9 bytes a row, and its strings.

    Any number of threads may ask, while another one adds rows.

    Args:
        rows: the rows, to which more are only ever appended.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows = rows
        self._columns: dict[str, Column] = {}
        self._extending = Lock()

    def passing(self, filter_: Filter, count: int) -> Mask:
        """Return which of the first so many rows pass a filter."""
        match filter_:
            case Equals(name, value):
                mask = self._any_of(name, (value,), count)
            case In(name, values):
                mask = self._any_of(name, values, count)
            case Range(name):
                mask = self._within(filter_, name, count)
            case Exists(name):
                mask = self._column(name, count)[0] != MISSING
            case And(clauses):
                mask = np.logical_and.reduce([self.passing(clause, count) for clause in clauses])
            case Or(clauses):
                mask = np.logical_or.reduce([self.passing(clause, count) for clause in clauses])
            case Not(clause):
                mask = ~self.passing(clause, count)
        return mask

    def _any_of(self, name: str, wanted: Sequence[Value], count: int) -> Mask:
        kinds, values, column = self._column(name, count)
        of_kind: dict[int, list[float]] = {BOOLEAN: [], STRING: [], NUMBER: []}
        for value in wanted:
            match value:
                case bool():
                    of_kind[BOOLEAN].append(value)
                case str():
                    of_kind[STRING].append(column.strings.get(value, -1))
                case _:
                    of_kind[NUMBER].append(value)
        if of_kind[NUMBER] and not (column.exact and all(map(_exact, of_kind[NUMBER]))):
            return self._one_by_one(In(name, tuple(wanted)), count)
        masks = [(kinds == kind) & np.isin(values, given) for kind, given in of_kind.items() if given]
        return np.asarray(np.logical_or.reduce(masks))

    def _within(self, bounds: Range, name: str, count: int) -> Mask:
        kinds, values, column = self._column(name, count)
        compared = ((gt, bounds.gt), (ge, bounds.gte), (lt, bounds.lt), (le, bounds.lte))
        given = [(compare, bound) for compare, bound in compared if bound is not None]
        if not (column.exact and all(_exact(bound) for _, bound in given)):
            return self._one_by_one(bounds, count)
        mask: Mask = kinds == NUMBER
        for compare, bound in given:
            mask &= compare(values, bound)
        return mask

    def _column(self, name: str, count: int) -> tuple[NDArray[np.uint8], NDArray[np.float64], Column]:
        """Return the kinds and the values of the first so many rows, and their column."""
        with self._extending:
            column = self._columns.setdefault(name, Column())
            column.extend([row.metadata.get(name) for row in self._rows[len(column.kinds) : count]])
            return column.kinds[:count], column.values[:count], column

    def _one_by_one(self, filter_: Filter, count: int) -> Mask:
        return np.array([matches(filter_, row.metadata) for row in self._rows[:count]], bool)


def _exact(value: float) -> bool:
    return not isinstance(value, int) or abs(value) <= EXACT
