"""Filters over the metadata of rows."""

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


def matches(filter_: Filter | None, metadata: Metadata) -> bool:  # noqa: PLR0911 - one for each kind
    """Tell whether a row passes: the meaning that every store gives to a filter. None lets all pass."""
    match filter_:
        case None:
            return True
        case Equals(field, value):
            return field in metadata and _equal(metadata[field], value)
        case In(field, values):
            return field in metadata and any(_equal(metadata[field], value) for value in values)
        case Range():
            return _within(filter_, metadata.get(filter_.field))
        case Exists(field):
            return field in metadata
        case And(clauses):
            return all(matches(clause, metadata) for clause in clauses)
        case Or(clauses):
            return any(matches(clause, metadata) for clause in clauses)
        case Not(clause):
            return not matches(clause, metadata)


def _equal(one: Value, other: Value) -> bool:
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _within(bounds: Range, value: Value | None) -> bool:
    if value is None or isinstance(value, bool | str):
        return False
    return (
        (bounds.gt is None or value > bounds.gt)
        and (bounds.gte is None or value >= bounds.gte)
        and (bounds.lt is None or value < bounds.lt)
        and (bounds.lte is None or value <= bounds.lte)
    )
