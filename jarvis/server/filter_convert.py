"""Between the contract's filters and metadata, and the domain's."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from jarvis.v1 import retrieval_pb2 as pb
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.filters import And, Equals, Exists, Filter, In, Metadata, Not, Or, Range, Value

MAX_DEPTH = 16
MAX_CLAUSES = 256
BOUNDS = ("gt", "gte", "lt", "lte")


def filter_(message: pb.Filter, path: str = "filter") -> Filter:
    """Read a filter.

    Raises:
        InvalidArgument: naming the path of the first clause that is wrong, or there are too many.
    """
    return _Reader(path).read(message, path, 1)


class _Reader:
    def __init__(self, root: str) -> None:
        self._root = root
        self._clauses = 0

    def read(self, message: pb.Filter, path: str, depth: int) -> Filter:
        """Read a clause, and count it."""
        self._clauses += 1
        if self._clauses > MAX_CLAUSES:
            raise InvalidArgument.of(self._root, f"at most {MAX_CLAUSES} clauses")
        if depth > MAX_DEPTH:
            raise InvalidArgument.of(self._root, f"at most {MAX_DEPTH} levels deep")
        kind = message.WhichOneof("clause")
        if kind is None:
            raise InvalidArgument.of(path, "set one of its clauses")
        path, clause = f"{path}.{kind}", getattr(message, kind)
        match kind:
            case "all_of":
                return And(self._list(clause, path, depth))
            case "any_of":
                return Or(self._list(clause, path, depth))
            case "negation":
                return Not(self.read(clause, path, depth + 1))
            case _:
                return LEAVES[kind](clause, path)

    def _list(self, message: pb.FilterList, path: str, depth: int) -> tuple[Filter, ...]:
        if not message.clauses:
            raise InvalidArgument.of(f"{path}.clauses", "is empty")
        return tuple(
            self.read(clause, f"{path}.clauses[{position}]", depth + 1)
            for position, clause in enumerate(message.clauses)
        )


def _exists(field: str, path: str) -> Exists:
    return Exists(_named(field, path))


def _equals(message: pb.EqualsFilter, path: str) -> Equals:
    return Equals(_named(message.field, f"{path}.field"), value(message.value, f"{path}.value"))


def _one_of(message: pb.OneOfFilter, path: str) -> In:
    if not message.values:
        raise InvalidArgument.of(f"{path}.values", "is empty")
    values = (value(one, f"{path}.values[{position}]") for position, one in enumerate(message.values))
    return In(_named(message.field, f"{path}.field"), tuple(values))


def _range(message: pb.RangeFilter, path: str) -> Range:
    bounds = {field.name: bound for field, bound in message.ListFields() if field.name in BOUNDS}
    if not bounds:
        raise InvalidArgument.of(path, f"set one of {', '.join(BOUNDS)}")
    for name, bound in bounds.items():
        if not math.isfinite(bound):
            raise InvalidArgument.of(f"{path}.{name}", f"must be finite, got {bound}")
    return Range(_named(message.field, f"{path}.field"), **bounds)


LEAVES: Mapping[str, Callable[[Any, str], Filter]] = {
    "exists": _exists,
    "equals": _equals,
    "one_of": _one_of,
    "range": _range,
}


def _named(field: str, path: str) -> str:
    if not field:
        raise InvalidArgument.of(path, "is empty")
    return field


def value(message: pb.Value, path: str) -> Value:
    """Read a metadata value.

    Raises:
        InvalidArgument: it has no type, or is not finite.
    """
    kind = message.WhichOneof("kind")
    if kind is None:
        raise InvalidArgument.of(path, "set one of its kinds")
    found: Value = getattr(message, kind)
    if isinstance(found, float) and not math.isfinite(found):
        raise InvalidArgument.of(path, f"must be finite, got {found}")
    return found


def metadata(messages: Mapping[str, pb.Value], path: str) -> Metadata:
    """Read the metadata of a row or a document.

    Raises:
        InvalidArgument: naming the first value that is wrong.
    """
    return {name: value(message, f"{path}[{name}]") for name, message in messages.items()}


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
