# ruff: noqa: S608 - the names of tables end in a number that the index gave, never in a caller's text
"""Turns filters into SQL over the fields of a collection, with the meaning of `jarvis_ports.filters.matches`.

Values are stored with their own types, in a column that converts nothing: SQLite then compares integers with
floats exactly, as Python does. Bools are blobs, which equal nothing else. Every clause is an EXISTS, true or
false and never NULL, so that NOT means what it says.
"""

from jarvis_ports.filters import And, Equals, Exists, Filter, In, Not, Or, Range, Value

Stored = str | int | float | bytes
"""A metadata value as SQLite stores it."""


def store(value: Value) -> Stored:
    """Return what is stored for a value."""
    return (b"\1" if value else b"\0") if isinstance(value, bool) else value


def restore(stored: Stored) -> Value:
    """Return the value that was stored."""
    return stored == b"\1" if isinstance(stored, bytes) else stored


def condition(  # noqa: PLR0911 - one for each kind
    filter_: Filter | None, number: int
) -> tuple[str, list[Stored]]:
    """Return a condition on a row of `rows_{number}`, and the values of its parameters."""
    match filter_:
        case None:
            return "1", []
        case Equals(field, value):
            return _field(number, field, "value = ?", [store(value)])
        case In(field, values):
            marks = ", ".join("?" * len(values))
            return _field(number, field, f"value IN ({marks})", [store(value) for value in values])
        case Range():
            return _range(filter_, number)
        case Exists(field):
            return _field(number, field, "1", [])
        case And(clauses):
            return _joined(" AND ", clauses, number)
        case Or(clauses):
            return _joined(" OR ", clauses, number)
        case Not(clause):
            sql, parameters = condition(clause, number)
            return f"NOT {sql}", parameters


def _range(bounds: Range, number: int) -> tuple[str, list[Stored]]:
    named = (("> ?", bounds.gt), (">= ?", bounds.gte), ("< ?", bounds.lt), ("<= ?", bounds.lte))
    given = [(sign, bound) for sign, bound in named if bound is not None]
    tests = ["typeof(value) IN ('integer', 'real')", *(f"value {sign}" for sign, _ in given)]
    return _field(number, bounds.field, " AND ".join(tests), [bound for _, bound in given])


def _field(number: int, field: str, test: str, values: list[Stored]) -> tuple[str, list[Stored]]:
    table = f"fields_{number}"
    sql = f"EXISTS (SELECT 1 FROM {table} WHERE {table}.key = rows_{number}.key AND field = ? AND {test})"
    return sql, [field, *values]


def _joined(operator: str, clauses: tuple[Filter, ...], number: int) -> tuple[str, list[Stored]]:
    parts = [condition(clause, number) for clause in clauses]
    return f"({operator.join(sql for sql, _ in parts)})", [value for _, values in parts for value in values]
