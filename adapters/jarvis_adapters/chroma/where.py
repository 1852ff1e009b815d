"""Translates filters into Chroma's `where`, and metadata into the keys that this needs.

Chroma has no "exists" and no "not", takes some unequal floats for equal (5e-324 and 0), and rounds integers
above 2**53 when it compares them with floats. `$ne` and `$nin` hold for rows without the key. A field is
therefore stored under these keys, depending on the type of its value:

- `t:field`: its type, "s", "b", "i" or "d".
- `s:field` or `b:field`: a string or a bool.
- `i:field` or `d:field`: a number, for bounds; and `n:field`: the number as a string, for equality.
"""

import math
from collections.abc import Mapping
from typing import Any

from jarvis_ports.filters import And, Equals, Exists, Filter, In, Metadata, Not, Or, Range, Value

Where = dict[str, Any]

NONE: Where = {"t:": {"$eq": "none"}}
"""A filter that no row passes, as types have one letter."""
ALL: Where = {"t:": {"$ne": "none"}}
INT64 = 2**63


def encode(metadata: Metadata) -> dict[str, Value]:
    """Return the keys for a row's metadata; the dict may be empty."""
    keys: dict[str, Value] = {}
    for field, value in metadata.items():
        kind = _kind(value)
        keys |= {f"t:{field}": kind, f"{kind}:{field}": value}
        if not isinstance(value, str | bool):
            keys[f"n:{field}"] = _number(value)
    return keys


def decode(keys: Mapping[str, Value] | None) -> dict[str, Value]:
    """Return the metadata that `encode` turned into keys."""
    keys = keys or {}
    return {key[2:]: keys[f"{kind}:{key[2:]}"] for key, kind in keys.items() if key.startswith("t:")}


def where(filter_: Filter, *, negated: bool = False) -> Where:
    """Translate a filter, or its negation, with the meaning of `jarvis_ports.filters.matches`."""
    match filter_:
        case Equals(field, value):
            return _one_of(field, (value,), negated=negated)
        case In(field, values):
            return _one_of(field, values, negated=negated)
        case Range():
            return _outside(filter_) if negated else _within(filter_)
        case Exists(field):
            return {f"t:{field}": {"$nin" if negated else "$in": ["s", "b", "i", "d"]}}
        case And(clauses) | Or(clauses):
            together = isinstance(filter_, And) is not negated
            return _join("$and" if together else "$or", [where(c, negated=negated) for c in clauses])
        case Not(clause):
            return where(clause, negated=not negated)


def _one_of(field: str, values: tuple[Value, ...], *, negated: bool) -> Where:
    by_key: dict[str, list[Value]] = {}
    for value in values:
        key, operand = (_kind(value), value) if isinstance(value, str | bool) else ("n", _number(value))
        by_key.setdefault(f"{key}:{field}", []).append(operand)
    operator = "$nin" if negated else "$in"
    return _join("$and" if negated else "$or", [{key: {operator: one}} for key, one in by_key.items()])


def _within(bounds: Range) -> Where:
    """Translate the bounds: an integer or a float is within them, and only the key of its type is there."""
    sides = []
    for kind in ("i", "d"):
        clauses = [_bound(kind, bounds.field, *bound) for bound in _bounds(bounds)]
        sides.append(_join("$and", clauses))
    return _join("$or", sides)


def _outside(bounds: Range) -> Where:
    """Translate the negated bounds: the value is missing, is no number, or misses one of the bounds."""
    clauses: list[Where] = [{f"t:{bounds.field}": {"$nin": ["i", "d"]}}]
    for operator, bound in _bounds(bounds):
        if math.isnan(bound):
            return ALL
        opposite = {"$gt": "$lte", "$gte": "$lt", "$lt": "$gte", "$lte": "$gt"}[operator]
        clauses += [_bound(kind, bounds.field, opposite, bound) for kind in ("i", "d")]
    return _join("$or", clauses)


def _bounds(bounds: Range) -> list[tuple[str, float]]:
    named = {"$gt": bounds.gt, "$gte": bounds.gte, "$lt": bounds.lt, "$lte": bounds.lte}
    return [(operator, bound) for operator, bound in named.items() if bound is not None]


def _bound(kind: str, field: str, operator: str, bound: float) -> Where:
    """Translate a bound on numbers of one type; Chroma takes no infinity, and no integer beyond 64 bits."""
    if math.isnan(bound):
        return NONE
    limit = INT64 if kind == "i" else math.inf
    if not -limit < bound < limit:
        outward = "$lt" if bound > 0 else "$gt"
        return {f"t:{field}": {"$eq": kind}} if operator.startswith(outward) else NONE
    if kind == "d":
        return {f"d:{field}": {operator: float(bound)}}
    return {f"i:{field}": {operator: math.floor(bound) if operator in {"$gt", "$lte"} else math.ceil(bound)}}


def _join(operator: str, clauses: list[Where]) -> Where:
    """Join clauses by an operator, unless there is only one: Chroma takes no fewer than two."""
    return clauses[0] if len(clauses) == 1 else {operator: clauses}


def _kind(value: Value) -> str:
    if isinstance(value, str):
        return "s"
    if isinstance(value, bool):
        return "b"
    return "i" if isinstance(value, int) else "d"


def _number(value: float) -> str:
    """Return a number as a string that is the same for equal numbers, even for an integer and a float."""
    return str(int(value)) if isinstance(value, int) or value.is_integer() else repr(value)
