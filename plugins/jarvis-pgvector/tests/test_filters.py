# ruff: noqa: S608 - what the SQL is made of is what is tested
"""Filters mean the same to PostgreSQL as to `matches`, tried on the real one."""

import asyncio

import asyncpg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jarvis_pgvector.filters import Parameters, condition
from jarvis_pgvector.rows import escape, to_json, to_record, to_row, unescape
from jarvis_ports.filters import And, Equals, Exists, In, Not, Or, Range, matches
from jarvis_ports.store import Row

TEXTS = st.text(st.sampled_from("\0\1\2aé'\"\\%$世"), max_size=4)
FIELDS = st.sampled_from(["x", "y", "", "$and", "a'b", 'a"b', "a\0b", "a\\b"])
EDGES = [0, 1, -1, 2, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
FLOATS = [0.0, -0.0, 1.0, 0.5, 1.5, 5e-324, 0.3, 0.1 + 0.2, 2.0**53, 2.0**63, -(2.0**63), 1e300, -1e300]
NUMBERS = (
    st.sampled_from([*EDGES, *FLOATS])
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = (
    NUMBERS | st.booleans() | st.sampled_from(["", "1", "true", "null", "[1]", "'; DROP TABLE t"]) | TEXTS
)
ROWS = st.lists(st.dictionaries(FIELDS, VALUES, max_size=3), min_size=1, max_size=6)
RANGES = st.builds(
    lambda field, bounds: Range(field, **bounds),
    FIELDS,
    st.dictionaries(
        st.sampled_from(["gt", "gte", "lt", "lte"]),
        st.sampled_from(FLOATS) | st.floats(),
        min_size=1,
        max_size=3,
    ),
)
LEAVES = (
    st.builds(Equals, FIELDS, VALUES)
    | st.builds(In, FIELDS, st.lists(VALUES, min_size=1, max_size=4).map(tuple))
    | RANGES
    | st.builds(Exists, FIELDS)
)


def _branches(filters):
    clauses = st.lists(filters, min_size=1, max_size=3).map(tuple)
    return st.builds(And, clauses) | st.builds(Or, clauses) | st.builds(Not, filters)


FILTERS = st.recursive(LEAVES, _branches, max_leaves=6)


@pytest.fixture(scope="module")
def passing(postgres):
    """Return the numbers of the rows that pass each filter, as PostgreSQL has it."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(postgres.url()))

        async def passing(rows, filters):
            await connection.execute("CREATE TEMP TABLE IF NOT EXISTS tried (number int, metadata jsonb)")
            await connection.execute("TRUNCATE tried")
            given = [(number, to_json(row)) for number, row in enumerate(rows)]
            await connection.executemany("INSERT INTO tried VALUES ($1, $2)", given)
            for filter_ in filters:
                where = condition(filter_, parameters := Parameters())
                yield await connection.fetch(f"SELECT number FROM tried WHERE {where}", *parameters)

        async def collect(rows, filters):
            return [{one["number"] for one in found} async for found in passing(rows, filters)]

        yield lambda rows, filters: runner.run(collect(rows, filters))
        runner.run(connection.close())


@given(rows=ROWS, filters=st.lists(FILTERS, min_size=1, max_size=8))
@example(
    rows=[{"x": 2**53}, {"x": 2**53 + 1}, {"x": 2.0**53}],
    filters=[Equals("x", v) for v in (2**53, 2**53 + 1)],
)
@example(
    rows=[{"x": 1}, {"x": 1.0}, {"x": True}, {"x": "1"}, {}],
    filters=[Not(Equals("x", v)) for v in (1, True, "1")],
)
@example(
    rows=[{"x": 0.3}, {"x": 0.1 + 0.2}, {"x": 0}, {"x": 5e-324}],
    filters=[Equals("x", 0.3), Range("x", gt=0.3), Range("x", lte=0.3)],
)
@example(
    rows=[{"x": "a"}, {"x": 1}, {"x": True}],
    filters=[Range("x", gt=float("-inf")), Not(Range("x", lt=float("nan")))],
)
@settings(max_examples=60, deadline=None)
def test_postgres_lets_pass_what_matches_lets_pass(passing, rows, filters):
    for filter_, found in zip(filters, passing(rows, filters), strict=True):
        assert found == {n for n, row in enumerate(rows) if matches(filter_, row)}, filter_


@given(text=TEXTS, row=st.dictionaries(FIELDS, VALUES))
def test_a_row_comes_back_as_it_was(text, row):
    id_, stored, metadata, _ = to_record(Row(text, text, row), None)
    assert "\0" not in id_ + stored + metadata
    assert unescape(escape(text)) == text
    back = to_row({"id": id_, "text": stored, "metadata": metadata})
    assert (back.id, back.text) == (text, text)
    assert {key: (type(value), value) for key, value in back.metadata.items()} == {
        key: (type(value), value) for key, value in row.items()
    }
