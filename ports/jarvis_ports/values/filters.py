"""Metadata of rows, and filters over it."""

from collections.abc import Mapping
from dataclasses import dataclass

Value = str | int | float | bool
"""A metadata value. Integers are 64 bits wide, floats finite."""

Metadata = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Equals:
    """The field has this value. An integer equals a float of its value; a bool equals bools alone."""

    field: str
    value: Value


@dataclass(frozen=True, slots=True)
class In:
    """The field equals one of the values, of which there is at least one."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The field is a number within the bounds, of which at least one is set."""

    field: str
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None


@dataclass(frozen=True, slots=True)
class Exists:
    """The field is there."""

    field: str


@dataclass(frozen=True, slots=True)
class And:
    """All clauses hold; there is at least one."""

    clauses: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """A clause holds; there is at least one."""

    clauses: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The clause does not hold: a row without the field passes `Not(Equals(…))`."""

    clause: "Filter"


Filter = Equals | In | Range | Exists | And | Or | Not
