"""Filters mean the same to Chroma as to `matches`, tried on the real Chroma."""

from itertools import count

import chromadb
import pytest
from chromadb.config import Settings
from hypothesis import example, given, settings
from hypothesis import strategies as st

from jarvis_adapters.chroma.where import decode, encode, where
from jarvis_ports.filters import And, Equals, Exists, In, Not, Or, Range, matches

pytestmark = pytest.mark.slow

FIELDS = st.sampled_from(["x", "y", "", "$and", "t:x"])
EDGES = [0, 1, -1, 2, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)]
FLOATS = [0.0, -0.0, 1.0, 0.5, 1.5, 5e-324, 0.3, 0.1 + 0.2, 2.0**53, 2.0**63, -(2.0**63), 1e300, -1e300]
NUMBERS = (
    st.sampled_from([*EDGES, *FLOATS])
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
)
VALUES = (
    NUMBERS
    | st.booleans()
    | st.sampled_from(["", "1", "a", "a\0b", "a\0c", "None", "é"])
    | st.text(max_size=3)
)
ROWS = st.lists(st.dictionaries(FIELDS, VALUES, max_size=3), min_size=1, max_size=6)
BOUNDS = st.sampled_from(FLOATS) | st.floats()
RANGES = st.builds(
    lambda field, bounds: Range(field, **bounds),
    FIELDS,
    st.dictionaries(st.sampled_from(["gt", "gte", "lt", "lte"]), BOUNDS, min_size=1, max_size=3),
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


NUMBERED = count()
FILTERS = st.recursive(LEAVES, _branches, max_leaves=6)


@pytest.fixture(scope="module")
def collection(tmp_path_factory):
    folder = tmp_path_factory.mktemp("chroma")
    client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))
    yield client.create_collection("filters", embedding_function=None)
    client.close()


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
    filters=[Equals("x", 0.3), Range("x", gt=0.3)],
)
@settings(max_examples=60, deadline=None)
def test_chroma_lets_pass_what_matches_lets_pass(collection, rows, filters):
    ids = [f"{next(NUMBERED)}" for _ in rows]
    collection.upsert(
        ids=ids, embeddings=[[1.0]] * len(rows), metadatas=[encode(row) or None for row in rows]
    )
    try:
        for filter_ in filters:
            found = set(collection.get(where=where(filter_), include=[])["ids"])
            assert found == {id_ for id_, row in zip(ids, rows, strict=True) if matches(filter_, row)}, (
                filter_
            )
    finally:
        collection.delete(ids=ids)


@given(row=st.dictionaries(FIELDS, VALUES))
def test_metadata_comes_back_as_it_was(row):
    assert {key: (type(value), value) for key, value in decode(encode(row)).items()} == {
        key: (type(value), value) for key, value in row.items()
    }


def test_rows_without_metadata_have_none():
    assert decode(None) == {}
