"""Reads filters."""

import math
from typing import Any

from jarvis.v1 import retrieval_pb2 as pb
from jarvis.wire.convert import Blame
from jarvis.wire.metadata import read_value
from jarvis_ports.values import And, Equals, Exists, Filter, In, Not, Or, Range, Value

MAX_DEPTH = 16
MAX_CLAUSES = 256
ANY = Exists("")
"""The filter that replaces a clause that is blamed."""
BOUNDS = ("gt", "gte", "lt", "lte")


class FilterReader:
    """Reads one filter.

    Args:
        root: the filter's path, which is blamed if the whole filter is too large.
        blame: notes what is wrong with a clause.
    """

    def __init__(self, root: str, blame: Blame) -> None:
        self._root = root
        self._blame = blame
        self._clauses = 0

    def read(self, message: pb.Filter, path: str, depth: int) -> Filter:  # noqa: PLR0911 - one a kind
        """Return the filter of a clause, and count the clause."""
        self._clauses += 1
        if self._clauses > MAX_CLAUSES or depth > MAX_DEPTH:
            if depth > MAX_DEPTH:
                self._blame(self._root, f"at most {MAX_DEPTH} levels deep")
            elif self._clauses == MAX_CLAUSES + 1:
                self._blame(self._root, f"at most {MAX_CLAUSES} clauses")
            return ANY
        kind = message.WhichOneof("clause")
        if kind is None:
            self._blame(path, "set one of its clauses")
            return ANY
        path, clause = f"{path}.{kind}", getattr(message, kind)
        match kind:
            case "all_of":
                return And(self._list(clause, path, depth))
            case "any_of":
                return Or(self._list(clause, path, depth))
            case "negation":
                return Not(self.read(clause, path, depth + 1))
            case "exists":
                return Exists(self._named(clause, path))
        return self._comparison(kind, clause, path)

    def _list(self, message: pb.FilterList, path: str, depth: int) -> tuple[Filter, ...]:
        if not message.clauses:
            self._blame(f"{path}.clauses", "is empty")
        return tuple(
            self.read(clause, f"{path}.clauses[{position}]", depth + 1)
            for position, clause in enumerate(message.clauses)
        )

    def _comparison(self, kind: str, message: Any, path: str) -> Filter:  # noqa: ANN401 - one of three
        field = self._named(message.field, f"{path}.field")
        if kind == "equals":
            return Equals(field, self._value(message.value, f"{path}.value"))
        if kind == "one_of":
            if not message.values:
                self._blame(f"{path}.values", "is empty")
            values = enumerate(message.values)
            return In(
                field, tuple(self._value(one, f"{path}.values[{position}]") for position, one in values)
            )
        bounds = {found.name: bound for found, bound in message.ListFields() if found.name in BOUNDS}
        if not bounds:
            self._blame(path, f"set one of {', '.join(BOUNDS)}")
        for name, bound in bounds.items():
            if not math.isfinite(bound):
                self._blame(f"{path}.{name}", f"must be finite, got {bound}")
        return Range(field, **bounds)

    def _named(self, field: str, path: str) -> str:
        if not field:
            self._blame(path, "is empty")
        return field

    def _value(self, message: pb.Value, path: str) -> Value:
        found = read_value(message, path, self._blame)
        return "" if found is None else found
