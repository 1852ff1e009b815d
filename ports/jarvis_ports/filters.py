"""The meaning of a filter over the metadata of rows."""

from jarvis_ports.values import (
    And,
    Equals,
    Exists,
    Filter,
    In,
    Metadata,
    Not,
    Or,
    Range,
    Value,
)

__all__ = [
    "And",
    "Equals",
    "Exists",
    "Filter",
    "In",
    "Metadata",
    "Not",
    "Or",
    "Range",
    "Value",
    "matches",
]


def matches(filter_: Filter | None, metadata: Metadata) -> bool:  # noqa: PLR0911 - one for each kind
    """Return whether a row passes a filter, as every store must decide it. None lets all rows pass."""
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
