"""Between the contract's filters and metadata, and the domain's."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from jarvis.core.violations import Violations
from jarvis.v1 import retrieval_pb2 as pb
from jarvis_ports.filters import And, Equals, Exists, Filter, In, Metadata, Not, Or, Range, Value

MAX_DEPTH = 16
MAX_CLAUSES = 256
ANY = Exists("")
"""In place of a clause that is blamed."""
BOUNDS = ("gt", "gte", "lt", "lte")


def filter_(message: pb.Filter, violations: Violations, path: str = "filter") -> Filter:
    """Read a filter; each clause that is wrong is blamed by its path, and the whole where it is too large."""
    return _Reader(path, violations).read(message, path, 1)


class _Reader:
    def __init__(self, root: str, violations: Violations) -> None:
        self._root = root
        self._violations = violations
        self._clauses = 0

    def read(self, message: pb.Filter, path: str, depth: int) -> Filter:
        """Read a clause, and count it."""
        self._clauses += 1
        if self._clauses > MAX_CLAUSES or depth > MAX_DEPTH:
            if depth > MAX_DEPTH:
                self._violations.blame(self._root, f"at most {MAX_DEPTH} levels deep")
            elif self._clauses == MAX_CLAUSES + 1:
                self._violations.blame(self._root, f"at most {MAX_CLAUSES} clauses")
            return ANY
        kind = message.WhichOneof("clause")
        if kind is None:
            self._violations.blame(path, "set one of its clauses")
            return ANY
        path, clause = f"{path}.{kind}", getattr(message, kind)
        match kind:
            case "all_of":
                return And(self._list(clause, path, depth))
            case "any_of":
                return Or(self._list(clause, path, depth))
            case "negation":
                return Not(self.read(clause, path, depth + 1))
            case _:
                return LEAVES[kind](clause, path, self._violations)

    def _list(self, message: pb.FilterList, path: str, depth: int) -> tuple[Filter, ...]:
        if not message.clauses:
            self._violations.blame(f"{path}.clauses", "is empty")
        return tuple(
            self.read(clause, f"{path}.clauses[{position}]", depth + 1)
            for position, clause in enumerate(message.clauses)
        )


def _exists(field: str, path: str, violations: Violations) -> Exists:
    return Exists(_named(field, path, violations))


def _equals(message: pb.EqualsFilter, path: str, violations: Violations) -> Equals:
    field = _named(message.field, f"{path}.field", violations)
    return Equals(field, value(message.value, f"{path}.value", violations))


def _one_of(message: pb.OneOfFilter, path: str, violations: Violations) -> In:
    field = _named(message.field, f"{path}.field", violations)
    if not message.values:
        violations.blame(f"{path}.values", "is empty")
    return In(
        field,
        tuple(
            value(one, f"{path}.values[{position}]", violations)
            for position, one in enumerate(message.values)
        ),
    )


def _range(message: pb.RangeFilter, path: str, violations: Violations) -> Range:
    field = _named(message.field, f"{path}.field", violations)
    bounds = {field.name: bound for field, bound in message.ListFields() if field.name in BOUNDS}
    if not bounds:
        violations.blame(path, f"set one of {', '.join(BOUNDS)}")
    for name, bound in bounds.items():
        if not math.isfinite(bound):
            violations.blame(f"{path}.{name}", f"must be finite, got {bound}")
    return Range(field, **bounds)


LEAVES: Mapping[str, Callable[[Any, str, Violations], Filter]] = {
    "exists": _exists,
    "equals": _equals,
    "one_of": _one_of,
    "range": _range,
}


def _named(field: str, path: str, violations: Violations) -> str:
    if not field:
        violations.blame(path, "is empty")
    return field


def value(message: pb.Value, path: str, violations: Violations) -> Value:
    """Read a metadata value; one without a type, or that is not finite, is blamed."""
    kind = message.WhichOneof("kind")
    if kind is None:
        violations.blame(path, "set one of its kinds")
        return ""
    found: Value = getattr(message, kind)
    if isinstance(found, float) and not math.isfinite(found):
        violations.blame(path, f"must be finite, got {found}")
    return found


def metadata(messages: Mapping[str, pb.Value], path: str, violations: Violations) -> Metadata:
    """Read the metadata of a row or a document; each value that is wrong is blamed."""
    return {name: value(message, f"{path}[{name}]", violations) for name, message in messages.items()}


def values(fields: Metadata) -> dict[str, pb.Value]:
    """Write metadata."""
    return {name: _value(found) for name, found in fields.items()}


def _value(found: Value) -> pb.Value:
    match found:
        case bool():
            return pb.Value(bool_value=found)
        case int():
            return pb.Value(int_value=found)
        case float():
            return pb.Value(double_value=found)
        case str():
            return pb.Value(string_value=found)
