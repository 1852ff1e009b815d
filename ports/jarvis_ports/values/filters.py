"""Metadata of rows, and filters over it."""

from collections.abc import Mapping
from dataclasses import dataclass

Value = str | int | float | bool
"""A metadata value. Integers are 64 bits wide, floats finite."""

Metadata = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Equals:
    """The field has this value. An integer equals a float of the same value; a bool equals only bools."""

    field: str
    value: Value


@dataclass(frozen=True, slots=True)
class In:
    """The field equals one of the values; there is at least one value."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """The field is a number within the bounds; at least one bound is set."""

    field: str
    gt: float | None = None
    gte: float | None = None
    lt: float | None = None
    lte: float | None = None


@dataclass(frozen=True, slots=True)
class Exists:
    """The field exists."""

    field: str


@dataclass(frozen=True, slots=True)
class And:
    """All clauses hold; there is at least one clause."""

    clauses: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """One or more clauses hold; there is at least one clause."""

    clauses: tuple["Filter", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The clause does not hold: a row without the field passes `Not(Equals(…))`."""

    clause: "Filter"


Filter = Equals | In | Range | Exists | And | Or | Not
