"""What is written is what is read."""

import math
from dataclasses import fields, is_dataclass
from types import UnionType
from typing import get_args, get_origin, get_type_hints

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jarvis_ports import embedding, values
from jarvis_ports.values.enums import OpenEnum
from tests.unit.wire.codecs import BLAMED, PAIRS

FLOAT32 = {"temperature", "top_p", "min_p", "presence_penalty", "frequency_penalty", "repetition_penalty"}
FLOAT32 |= {"logprob", "logit_bias"}
WIDTHS = {"seed": 63}
BESIDE = {"request_id", "trace", "streamed", "data", "resumable", "cache_salt", "weights"}
"""Fields of values that travel beside their message, or after it."""
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
FLOAT = st.floats(allow_nan=False, allow_infinity=False)
VECTOR = st.lists(st.floats(-9, 9, width=32), min_size=1, max_size=3).map(lambda v: np.array(v, "<f4"))
VALUE = TEXT | st.integers(-(2**63), 2**63 - 1) | FLOAT | st.booleans()
LEAF = st.one_of(
    st.builds(values.Exists, TEXT.filter(bool)),
    st.builds(values.Equals, TEXT.filter(bool), VALUE),
    st.builds(values.In, TEXT.filter(bool), st.lists(VALUE, min_size=1, max_size=2).map(tuple)),
    st.builds(values.Range, TEXT.filter(bool), gt=FLOAT, lte=st.none() | FLOAT),
)
CLAUSES = st.recursive(
    LEAF,
    lambda inner: st.one_of(
        st.builds(values.And, st.lists(inner, min_size=1, max_size=2).map(tuple)),
        st.builds(values.Or, st.lists(inner, min_size=1, max_size=2).map(tuple)),
        st.builds(values.Not, inner),
    ),
    max_leaves=4,
)
NO_TEXT = values.Constraint.JSON_OBJECT
STRUCTURED = st.one_of(
    st.builds(
        values.StructuredOutput,
        st.sampled_from([one for one in values.Constraint if one not in {values.Constraint.CHOICE, NO_TEXT}]),
        TEXT,
    ),
    st.builds(
        values.StructuredOutput, st.just(values.Constraint.CHOICE), st.lists(TEXT, max_size=2).map(tuple)
    ),
    st.just(values.StructuredOutput(NO_TEXT)),
)


def strategy(kind, name=""):  # noqa: C901, PLR0911
    """Make values of a type, as its field of that name can have them on the wire."""
    origin, inner = get_origin(kind), get_args(kind)
    if kind == values.Filter:
        return CLAUSES
    if kind == values.TextInput:
        return TEXT | st.lists(strategy(values.Message), min_size=1, max_size=2).map(tuple)
    if kind == values.Input:
        ids = st.lists(st.integers(0, 2**32 - 1), min_size=1, max_size=2).map(tuple)
        return strategy(values.TextInput) | st.builds(values.TokenIds, ids)
    if kind == values.Value:
        return VALUE
    if kind == embedding.Matrix:
        return VECTOR
    if origin in {UnionType, type(int | None)} or "Union" in str(origin):
        if set(get_args(values.Filter)) <= set(inner):
            return st.none() | CLAUSES
        if {str, values.SearchMode} <= set(inner):
            return st.none() | strategy(values.SearchMode)
        return st.one_of([st.none() if one is type(None) else strategy(one, name) for one in inner])
    if origin is tuple:
        return st.lists(strategy(inner[0], name), max_size=2).map(tuple)
    if origin is not None and len(inner) == 2:
        keys = st.integers(0, 2**32 - 1) if inner[0] is int else TEXT
        return st.dictionaries(keys, strategy(inner[1], name), max_size=2)
    return scalar(kind, name)


def scalar(kind, name):  # noqa: C901, PLR0911
    if kind is values.StructuredOutput:
        return STRUCTURED
    if kind is values.Embeddings:
        return embeddings()
    if kind is values.Upsert:
        return upserts()
    if kind is values.SearchQuery:
        return dataclasses(kind).filter(lambda query: (query.text is None) != (query.vector is None))
    if issubclass(kind, OpenEnum):
        return st.sampled_from(list(kind))
    if is_dataclass(kind):
        return dataclasses(kind)
    if kind is bool:
        return st.booleans()
    if kind is int:
        return st.integers(0, 2 ** WIDTHS.get(name, 31) - 1)
    if kind is float:
        return st.floats(-100, 100, width=32) if name in FLOAT32 else FLOAT
    if kind is bytes:
        return st.binary(min_size=1, max_size=5)
    return TEXT


def dataclasses(kind):
    hints = get_type_hints(kind, localns={"Matrix": embedding.Matrix})
    return st.builds(
        kind,
        **{
            field.name: st.just("") if field.name == "request_id" else strategy(hints[field.name], field.name)
            for field in fields(kind)
            if field.name not in BESIDE or (field.name == "request_id" and kind is not values.Started)
        }
        | ({"request_id": TEXT} if kind in {values.Started, values.Answer} else {}),
    )


@st.composite
def embeddings(draw):
    count, dimension = draw(st.integers(0, 3)), draw(st.integers(1, 3))
    size = 4 * count * dimension
    flags = st.lists(st.booleans(), min_size=count, max_size=count).map(tuple)
    return values.Embeddings(
        model=draw(TEXT),
        dimension=dimension,
        packed=draw(st.binary(min_size=size, max_size=size)),
        tokens=tuple(range(count)),
        truncated=draw(flags),
        cached=draw(flags),
    )


@st.composite
def upserts(draw):
    rows = draw(st.lists(dataclasses(values.Row), max_size=3))
    vectors = [draw(st.none() | VECTOR) for _ in rows]
    return values.Upsert(draw(TEXT), rows, vectors, truncate=draw(st.booleans()))


def same(one, other):
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.tolist() == other.tolist()
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if is_dataclass(one):
        pairs = ((getattr(one, field.name), getattr(other, field.name)) for field in fields(one))
        return type(one) is type(other) and all(same(*pair) for pair in pairs)
    return type(one) is type(other) and (
        one == other or (isinstance(one, float) and math.isclose(one, other))
    )


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.message.DESCRIPTOR.name)
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_every_value_survives(pair, data):
    value = data.draw(strategy(pair.value))
    message = pair.write(value)
    assert isinstance(message, pair.message)
    sent = pair.message.FromString(message.SerializeToString())
    BLAMED.clear()
    assert same(value, pair.read(sent)), (value, pair.read(sent))
    assert not BLAMED
