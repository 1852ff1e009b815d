"""Search in memory by codes, compared with a search that is exact."""

import threading

import numpy as np
import pytest

from jarvis_ports.filters import And, Equals, Exists, In, Not, Or, Range
from jarvis_ports.store import Row, Space
from jarvis_toolkit import memory_index
from jarvis_toolkit.memory_index import CANDIDATES, MemoryIndex

ROWS, DIMENSION = 12_000, 33
FILTERS = {
    "none": None,
    "half": Equals("even", value=True),
    "few": Equals("name", "7"),
    "a number": Equals("number", 7),
    "one of few": In("name", ("7", "8")),
    "few and half": And((Equals("even", value=False), Equals("name", "7"))),
    "few or few": Or((Equals("name", "7"), Equals("name", "8"))),
    "few or many": Or((Equals("name", "7"), Exists("number"))),
    "a range": Range("number", lt=3),
    "not many": Not(Range("number", gte=3)),
    "nothing": Equals("name", "nobody's"),
    "a number beyond floats": Equals("large", 2**60 + 1),
    "above a number beyond floats": Range("large", gt=2**60 + 9000),
    "numbers and strings": In("number", (1, 2.0, "3", True)),
    "a boolean, not a number": Equals("even", 1),
}


@pytest.fixture(scope="module", autouse=True)
def several_segments():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(memory_index, "SEGMENT", 5000)
        patch.setattr(memory_index, "POSTED", 1000)
        yield


def rows_of(first, count):
    return [
        Row(
            str(i),
            f"text {i}",
            {"even": i % 2 == 0, "name": str(i % 1000), "number": i % 1000, "large": 2**60 + i},
        )
        for i in range(first, first + count)
    ]


def vectors_of(count, seed=0):
    return np.random.default_rng(seed).standard_normal((count, DIMENSION), dtype=np.float32)


def filled(space, exact_below):
    index = MemoryIndex(space, DIMENSION, exact_below)
    vectors = vectors_of(ROWS)
    for start in range(0, ROWS, 500):
        index.upsert(rows_of(start, 500), vectors[start : start + 500])
    index.upsert(rows_of(100, 50), vectors_of(50, seed=1))  # replaced
    index.delete([str(i) for i in range(0, ROWS, 3)])
    return index


def written(vectors, exact_below, space=Space.COSINE):
    index = MemoryIndex(space, DIMENSION, exact_below)
    for start in range(0, len(vectors), 50):
        index.upsert(rows_of(start % 9000, 50), vectors[start : start + 50])
    return index


def recall(index, exact, queries, filter_=None):
    found = expected = 0
    for query in queries:
        one, other = index.query(query, 10, filter_), exact.query(query, 10, filter_)
        assert len(one) == len(other)
        truth = {match.row.id: match for match in other}
        found += sum(truth.get(match.row.id) == match for match in one)
        expected += len(other)
    return found / expected if expected else 1


@pytest.fixture(scope="module", params=Space)
def both(request):
    return filled(request.param, 2000), filled(request.param, None)


@pytest.mark.parametrize("filter_", FILTERS.values(), ids=FILTERS)
def test_by_codes_the_nearest_rows_are_found_and_their_similarities_are_exact(both, filter_):
    coded, exact = both
    assert len(coded._segments) == 3
    assert all(segment.codes for segment in coded._segments.values())
    assert len(coded) > CANDIDATES
    assert recall(coded, exact, vectors_of(30, seed=2), filter_) >= 0.99


def test_it_finds_what_was_just_written_and_not_what_was_deleted_or_replaced(both):
    coded, _ = both
    vector = 10 * vectors_of(1, seed=3)
    for id_ in ("new", "5"):
        coded.upsert([Row(id_, "it")], vector)
        assert id_ in {match.row.id for match in coded.query(vector[0], 2)}
        coded.upsert([Row(id_, "it")], -vector)
        assert id_ not in {match.row.id for match in coded.query(vector[0], 2)}
        coded.upsert([Row(id_, "it")], vector)
        coded.delete([id_])
        assert id_ not in {match.row.id for match in coded.query(vector[0], 2)}


def test_readers_see_whole_writes_while_it_grows_and_is_coded_anew():
    index = MemoryIndex(Space.COSINE, DIMENSION, 2000)
    vectors = vectors_of(ROWS)
    index.upsert(rows_of(0, 1000), vectors[:1000])
    written, wrong = [1000], []

    def read():
        while written[0] < ROWS:
            number = written[0] - 1
            (best, *_) = index.query(vectors[number], 1)
            if best.row.id != str(number):
                wrong.append((number, best.row.id))

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for start in range(1000, ROWS, 50):
        index.upsert(rows_of(start, 50), vectors[start : start + 50])
        written[0] = start + 50
    for reader in readers:
        reader.join()
    assert not wrong


@pytest.mark.parametrize("rows", [1, 999])
def test_with_few_rows_it_needs_no_codes(rows):
    index = MemoryIndex(Space.IP, DIMENSION, 0)
    index.upsert(rows_of(0, rows), vectors_of(rows))
    assert index.query(vectors_of(rows)[-1], 1)


def test_rows_written_again_and_again_leave_nothing_behind():
    vectors = vectors_of(60_000)
    index, exact = written(vectors, 2000), written(vectors, None)
    assert sum(len(segment.matrix) for segment in index._segments.values()) <= 2 * len(index) + 2 * 5000
    ids = [str(i) for i in range(9000)]
    one, other = index.get(ids, vectors=True), exact.get(ids, vectors=True)
    assert one.rows == other.rows
    assert np.array_equal(one.vectors, other.vectors)
    assert sorted(row.id for page in index.pages(None, 300) for row in page.rows) == sorted(ids)
    assert recall(index, exact, vectors_of(30, seed=1)) >= 0.99
    index.delete(ids)
    assert not index.query(vectors[0], 10)
    assert len(index._segments) == 1


@pytest.mark.parametrize("space", Space)
def test_rows_unlike_all_before_are_found_as_well(monkeypatch, space):
    monkeypatch.setattr(memory_index, "CANDIDATES", 600)
    before, others, queries = (
        vectors_of(count, seed=count) + shift for count, shift in ((2500, -2), (6500, 2), (30, 2))
    )
    vectors = np.concatenate([before, others])
    index, exact = (written(vectors, exact_below, space) for exact_below in (2000, None))
    assert recall(index, exact, queries) >= 0.98


def odd(kind):
    vectors = vectors_of(6000)
    match kind:
        case "a large component":
            vectors[:, 0] *= 1000
        case "lengths far apart":
            vectors *= np.random.default_rng(1).lognormal(0, 2, (len(vectors), 1)).astype(np.float32)
        case "huge rows":
            vectors[::500] *= 1e20
        case "tiny rows":
            vectors[::500] *= 1e-25
        case "signs":
            vectors = np.sign(vectors)
    return vectors


@pytest.mark.parametrize(
    "kind", ["a large component", "lengths far apart", "huge rows", "tiny rows", "signs"]
)
@pytest.mark.parametrize("space", Space)
def test_vectors_for_which_codes_are_no_good_are_found_all_the_same(monkeypatch, kind, space):
    monkeypatch.setattr(memory_index, "CANDIDATES", 600)
    vectors = odd(kind)
    index, exact = (written(vectors, exact_below, space) for exact_below in (2000, None))
    queries = [vectors[i] for i in range(7, 6000, 301)]
    found = expected = 0
    for query in queries:
        nearest = exact.query(query, 10)
        similarities = [match.similarity for match in index.query(query, 10)]
        found += sum(similarity >= nearest[-1].similarity for similarity in similarities)
        expected += len(nearest)
    assert found >= 0.95 * expected


@pytest.mark.parametrize(
    ("space", "dimension", "spread"),
    [(Space.COSINE, 128, 0.05), (Space.L2, 128, 0.05), (Space.IP, 1100, 0.3)],
)
def test_rows_close_together_are_told_apart(space, dimension, spread):
    random = np.random.default_rng(0)
    centres = random.standard_normal((2, dimension))
    vectors = centres[random.integers(2, size=3000)] + spread * random.standard_normal((3000, dimension))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    index = MemoryIndex(space, dimension, 2000)
    index.upsert(rows_of(0, 3000), vectors)
    assert index._segments[0].codes is not None
    assert all(index.query(vectors[i], 1)[0].row.id == str(i) for i in range(0, 3000, 100))
