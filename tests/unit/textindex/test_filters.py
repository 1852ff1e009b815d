"""The SQL of a filter passes just the rows that `matches` passes, on the real SQLite."""

import math

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jarvis.textindex import SQLiteTextIndex
from jarvis_ports.filters import And, Equals, Exists, In, Not, Or, Range, matches
from jarvis_ports.store import Row

pytestmark = pytest.mark.slow

FIELDS = ["a", "b", 'quo"te', "do.t", "sp ace", "$", "[0]", "ñ", "a'b", ""]
INT64 = st.integers(-(2**63), 2**63 - 1)
NUMBERS = st.one_of(
    st.sampled_from(
        [0, 1, -1, 0.0, -0.0, 1.0, 2**53, 2**53 + 1, float(2**53), 2**63 - 1, float(2**63), 0.1 + 0.2]
    ),
    INT64,
    st.floats(allow_nan=False, allow_infinity=False),
)
VALUES = st.one_of(
    st.booleans(), NUMBERS, st.sampled_from(["", "1", "true", "a\0b", "A", "a"]), st.text(max_size=5)
)
BOUNDS = st.none() | NUMBERS.map(float) | st.sampled_from([math.inf, -math.inf])
ROWS = st.lists(st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=4), min_size=1, max_size=8)
FIELD = st.sampled_from(FIELDS)
CLAUSES = st.one_of(
    st.builds(Equals, FIELD, VALUES),
    st.builds(In, FIELD, st.lists(VALUES, min_size=1, max_size=4).map(tuple)),
    st.builds(Range, FIELD, BOUNDS, BOUNDS, BOUNDS, BOUNDS),
    st.builds(Exists, FIELD),
)
FILTERS = st.recursive(
    CLAUSES,
    lambda inner: st.one_of(
        st.builds(Not, inner),
        st.builds(And, st.lists(inner, min_size=1, max_size=3).map(tuple)),
        st.builds(Or, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ),
    max_leaves=8,
)


@pytest.fixture(scope="module")
async def shared():
    async with SQLiteTextIndex.open(None) as index:
        yield index


@given(metadata=ROWS, filter_=FILTERS)
@example(metadata=[{"a": True}, {"a": 1}, {"a": 1.0}, {"a": "1"}, {}], filter_=Not(Equals("a", 1)))
@example(metadata=[{"a": True}, {"a": "z"}, {"a": 3}], filter_=Range("a", gt=2))
@example(metadata=[{"a": 2**53 + 1}], filter_=Equals("a", float(2**53)))
@settings(deadline=None, max_examples=500)
async def test_a_filter_means_what_matches_says(shared, metadata, filter_):
    await shared.drop("c")
    rows = [Row(str(i), "word", fields) for i, fields in enumerate(metadata)]
    await shared.commit("c", rows, [])
    expected = [row.id for row in rows if matches(filter_, row.metadata)]
    assert await shared.filtered("c", filter_) == expected
    assert sorted(match.row.id for match in await shared.search("c", "word", 100, filter_)) == expected


@given(metadata=ROWS)
@settings(deadline=None)
async def test_metadata_comes_back_as_it_was(shared, metadata):
    await shared.drop("c")
    rows = [Row(str(i), "word", fields) for i, fields in enumerate(metadata)]
    await shared.commit("c", rows, [])
    back = await shared.rows("c", [row.id for row in rows])
    assert back == rows
    for row, other in zip(rows, back, strict=True):
        assert {field: type(value) for field, value in row.metadata.items()} == {
            field: type(value) for field, value in other.metadata.items()
        }


async def test_no_filter_passes_all(shared):
    await shared.drop("c")
    await shared.commit("c", [Row("1", "x"), Row("2", "y")], [])
    assert await shared.filtered("c", None) == ["1", "2"]


async def test_a_filter_of_the_size_that_the_contract_allows_works(shared):
    filter_ = And(tuple(Not(Equals(f"f{i}", i)) for i in range(255)))
    for _ in range(15):
        filter_ = Not(filter_)
    await shared.drop("c")
    await shared.commit("c", [Row("1", "x"), Row("2", "y", {"f3": 3})], [])
    assert await shared.filtered("c", filter_) == ["2"]
