"""Filters on columns, compared with `matches` on one row after another."""

from hypothesis import given
from hypothesis import strategies as st

from jarvis_ports.filters import And, Equals, Exists, In, Not, Or, Range, matches
from jarvis_ports.store import Row
from jarvis_toolkit.columns import Columns

LARGE = st.sampled_from([2**53, 2**53 + 1, 2**53 + 2, float(2**53), -(2**53) - 1])
NUMBERS = st.integers(-3, 3) | st.sampled_from([-1.0, 0.5, 1.0]) | LARGE
VALUES = NUMBERS | st.booleans() | st.sampled_from(["", "a", "1", "True"])
FIELDS = st.sampled_from(["x", "y"])
BOUNDS = st.fixed_dictionaries({}, optional=dict.fromkeys(("gt", "gte", "lt", "lte"), NUMBERS)).filter(bool)
LEAVES = st.one_of(
    st.builds(Equals, FIELDS, VALUES),
    st.builds(In, FIELDS, st.lists(VALUES, min_size=1, max_size=4).map(tuple)),
    st.builds(lambda field, bounds: Range(field, **bounds), FIELDS, BOUNDS),
    st.builds(Exists, FIELDS),
)
FILTERS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map(lambda clauses: And(tuple(clauses))),
        st.lists(inner, min_size=1, max_size=3).map(lambda clauses: Or(tuple(clauses))),
        inner.map(Not),
    ),
    max_leaves=5,
)
ROWS = st.lists(st.dictionaries(FIELDS, VALUES), max_size=12).map(
    lambda found: [Row(str(i), "", metadata) for i, metadata in enumerate(found)]
)


@given(ROWS, ROWS, st.lists(FILTERS, min_size=1, max_size=3))
def test_a_row_passes_by_columns_if_it_matches(first, more, filters):
    rows = list(first)
    columns = Columns(rows)
    for _ in range(2):
        for filter_ in filters:
            for count in (len(rows), len(first)):
                expected = [matches(filter_, row.metadata) for row in rows[:count]]
                assert columns.passing(filter_, count).tolist() == expected
        rows += more
