"""What `memory` does beyond the conformance kit: exact search at a size, and over many changes."""

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jarvis_ports.filters import Equals
from jarvis_ports.store import Row, Space
from jarvis_toolkit.memory_index import MemoryIndex


def vectors(rows, seed=0):
    return np.random.default_rng(seed).standard_normal((rows, 4), dtype=np.float32)


CHANGES = st.lists(
    st.tuples(st.sampled_from(["upsert", "delete"]), st.sets(st.integers(0, 90), max_size=40).map(sorted)),
    max_size=12,
)


@given(CHANGES)
@settings(deadline=None)
def test_holds_what_a_dict_would_hold(changes):
    index, expected = MemoryIndex(Space.IP, 4), {}
    for number, (change, ids) in enumerate(changes):
        names = [str(i) for i in ids]
        if change == "upsert":
            made = [Row(name, f"{number}", {"n": number}) for name in names]
            index.upsert(made, vectors(len(ids), number))
            expected |= {
                row.id: (row, vector) for row, vector in zip(made, vectors(len(ids), number), strict=True)
            }
        else:
            index.delete(names)
            expected = {id_: row for id_, row in expected.items() if id_ not in names}
    assert len(index) == len(expected)
    found = index.query(np.ones(4, np.float32), 200)
    assert {match.row.id: match.row for match in found} == {id_: row for id_, (row, _) in expected.items()}
    for match in found:
        assert match.similarity == pytest.approx(float(expected[match.row.id][1].sum()), abs=1e-5)
    got = index.get(list(expected), vectors=True)
    assert got.rows == tuple(row for row, _ in expected.values())
    assert all(
        np.array_equal(one, other[1]) for one, other in zip(got.vectors, expected.values(), strict=True)
    )
    assert sorted(row.id for page in index.pages(None, 7) for row in page.rows) == sorted(expected)


def test_tells_near_ones_apart_where_single_precision_does_not():
    far = np.full((1, 4), 1000, np.float32)
    near = np.array([[1000.0, 1000, 1000, 1000.25], [1000, 1000, 1000, 1000.125]], np.float32)
    index = MemoryIndex(Space.L2, 4)
    index.upsert([Row("a", ""), Row("b", "")], near)
    found = index.query(far[0], 2)
    assert [(match.row.id, match.similarity) for match in found] == [("b", -(0.125**2)), ("a", -(0.25**2))]


def test_a_scan_is_not_disturbed_by_writes():
    index = MemoryIndex(Space.COSINE, 4)
    made = [Row(str(i), "") for i in range(50)]
    index.upsert(made, vectors(50))
    pages = index.pages(None, 10)
    next(pages)
    index.delete([row.id for row in made])
    index.upsert([Row(f"new {i}", "") for i in range(500)], vectors(500))
    assert sum(len(page.rows) for page in pages) == 40


async def test_readers_never_see_half_of_a_write():
    index = MemoryIndex(Space.COSINE, 4)
    batch = vectors(20)

    def write():
        for number in range(300):
            index.upsert([Row(str(i), "", {"n": number}) for i in range(20)], batch)

    writing = asyncio.create_task(asyncio.to_thread(write))
    while not writing.done():
        seen = {row.metadata["n"] for row in index.get([str(i) for i in range(20)]).rows}
        assert len(seen) <= 1
        found = await asyncio.to_thread(index.query, batch[0], 50)
        assert len(found) in {0, 20}
        assert len({match.row.metadata["n"] for match in found}) <= 1
    await writing
    assert len(index.query(batch[0], 50, Equals("n", 299))) == 20
