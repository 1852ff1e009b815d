"""Rows of one text are one hit, with all their places."""

import numpy as np
import pytest

from jarvis.core.retrieval.distinct import MOST_CANDIDATES, Ranked, distinct
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.filters import Equals
from jarvis_ports.store import Row
from jarvis_ports.values import SearchMode, SearchQuery

COPIES = 60
MODES = [SearchMode.DENSE, SearchMode.SPARSE, SearchMode.HYBRID]


@pytest.fixture
async def copies(setup):
    """A text in very many documents, and others that suit the question less."""
    documents = [(f"/d/{n:02}.md", "red house on the hill") for n in reversed(range(COPIES))]
    others = [(f"/e/{n}.md", f"red house of number n{n}") for n in range(5)]
    await setup.ingest(*documents, *others)
    return setup


@pytest.mark.parametrize("mode", MODES)
async def test_copies_leave_room_for_other_texts_and_tell_their_places(copies, mode):
    query = SearchQuery("docs", "red house on the hill", mode=mode, top_k=5)
    hits = (await copies.retrieval.search.run(query)).hits
    assert len({hit.text for hit in hits}) == len(hits) == 5
    first = hits[0]
    assert first.text == "red house on the hill"
    places = [one.source.source for one in (first, *first.duplicates)]
    assert places == [f"/d/{n:02}.md" for n in range(COPIES)]
    assert not any(hit.duplicates for hit in hits[1:])
    ranks = [hit.sparse_rank if mode is SearchMode.SPARSE else hit.dense_rank for hit in hits]
    assert ranks[0] == 1
    assert {*ranks} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("mode", MODES)
async def test_copies_that_do_not_pass_the_filter_are_no_duplicates(setup, mode):
    rows = [Row(str(n), "red house", {"n": n % 2}) for n in range(6)]
    await setup.retrieval.rows.upsert("docs", rows, [None] * 6)
    query = SearchQuery("docs", "red house", mode=mode, filter=Equals("n", 1))
    (hit,) = (await setup.retrieval.search.run(query)).hits
    assert [row.id for row in (hit, *hit.duplicates)] == ["1", "3", "5"]
    assert [row.metadata for row in hit.duplicates] == [{"n": 1}] * 2


async def test_rows_of_one_text_whose_vectors_differ_are_apart(setup):
    vectors = np.eye(3, 32, dtype=np.float32) + 0.1
    rows = [Row(str(n), "picture", {}) for n in range(3)]
    await setup.retrieval.rows.upsert("docs", rows, list(vectors))
    found = await setup.retrieval.search.run(SearchQuery("docs", vector=vectors[1], top_k=2))
    assert found.hits[0].id == "1"
    assert found.hits[0].duplicates == ()
    hybrid = await setup.retrieval.search.run(SearchQuery("docs", "picture"))
    assert {row.id for hit in hybrid.hits for row in (hit, *hit.duplicates)} == {"0", "1", "2"}


async def test_the_search_for_other_texts_is_bounded():
    asked = []

    async def fetch(most):
        asked.append(most)
        return [Ranked(Row(str(n), "the same"), 1.0) for n in range(most)]

    (group,) = await distinct(fetch, 10)
    assert len(group) == asked[-1] == MOST_CANDIDATES
    assert asked[:3] == [11, 44, 176]


async def test_without_copies_one_search_is_enough():
    asked = []

    async def fetch(most):
        asked.append(most)
        return [Ranked(Row(str(n), f"text {n}"), 1.0) for n in range(most)]

    groups = await distinct(fetch, 10)
    assert [one.row.id for (one,) in groups] == [str(n) for n in range(10)]
    assert asked == [11]


async def test_a_query_that_is_far_too_long_is_refused_before_it_is_folded(setup):
    with pytest.raises(InvalidArgument, match="text: has 20001 characters; at most 20000"):
        await setup.retrieval.search.run(SearchQuery("docs", "\ufdfa" * 20_001))


@pytest.mark.parametrize("text", ["", " ", "\n\t ", "\u200b", "\0", "\u00a0\u3000"])
@pytest.mark.parametrize("mode", [None, *MODES])
async def test_a_query_that_nobody_can_see_is_refused(setup, text, mode):
    with pytest.raises(InvalidArgument, match="text: is blank"):
        await setup.retrieval.search.run(SearchQuery("docs", text, mode=mode))
