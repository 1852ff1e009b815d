"""Turns filters into SQL over the column `metadata`, with the meaning of `jarvis_ports.filters.matches`.

Whatever a caller sent is a parameter, and never a part of the SQL. Numbers are compared as PostgreSQL's
numeric, exactly, as Python compares them. Every clause is true or false and never NULL, so that NOT means
what it says.
"""

import math
from decimal import Decimal

from jarvis_pgvector.rows import escape, number, to_json
from jarvis_ports.filters import And, Equals, Exists, Filter, In, Not, Or, Range, Value


class Parameters(list[object]):
    """The values of a statement's parameters."""

    def add(self, value: object) -> str:
        """Add a value, and return the mark that stands for it."""
        self.append(value)
        return f"${len(self)}"


def condition(  # noqa: PLR0911 - one for each kind
    filter_: Filter | None, parameters: Parameters
) -> str:
    """Return a condition on a row, and add its values to the parameters."""
    match filter_:
        case None:
            return "TRUE"
        case Equals(field, value):
            return _equals(field, value, parameters)
        case In(field, values):
            return f"({' OR '.join(_equals(field, value, parameters) for value in values)})"
        case Range():
            return _within(filter_, parameters)
        case Exists(field):
            return f"metadata ? {parameters.add(escape(field))}"
        case And(clauses):
            return f"({' AND '.join(condition(clause, parameters) for clause in clauses)})"
        case Or(clauses):
            return f"({' OR '.join(condition(clause, parameters) for clause in clauses)})"
        case Not(clause):
            return f"(NOT {condition(clause, parameters)})"


def _equals(field: str, value: Value, parameters: Parameters) -> str:
    return f"metadata @> {parameters.add(to_json({field: value}))}"


def _within(bounds: Range, parameters: Parameters) -> str:
    named = ((">", bounds.gt), (">=", bounds.gte), ("<", bounds.lt), ("<=", bounds.lte))
    given = [(sign, bound) for sign, bound in named if bound is not None]
    if any(math.isnan(bound) for _, bound in given):
        return "FALSE"  # to PostgreSQL, NaN is a number above all others
    value = f"(metadata -> {parameters.add(escape(bounds.field))})"
    tests = [f"{value}::numeric {sign} {parameters.add(_decimal(bound))}" for sign, bound in given]
    # CASE alone keeps PostgreSQL from casting what is no number.
    return f"(CASE WHEN jsonb_typeof{value} = 'number' THEN {' AND '.join(tests)} ELSE FALSE END)"


def _decimal(bound: float) -> Decimal:
    return Decimal(bound) if math.isinf(bound) else Decimal(number(bound))
