"""Searching, and the fusion of rankings."""

from unittest.mock import MagicMock

import numpy as np
import pytest

from jarvis.core.retrieval.fusion import fuse
from jarvis_ports.errors import CollectionNotFound, InvalidArgument, TextTooLong
from jarvis_ports.filters import Equals, Not
from jarvis_ports.store import IndexSettings, Row, Space
from jarvis_ports.telemetry import SpanKind
from jarvis_ports.values import SearchMode, SearchQuery
from jarvis_toolkit.similarity import similarities

ROWS = [
    Row("a", "red house on the hill", {"lang": "en"}),
    Row("b", "red red red", {"lang": "en"}),
    Row("d", "casa roja", {"lang": "es"}),
    Row("e", "blue water"),
]


def row_of(hit):
    return Row(hit.id, hit.text, hit.metadata)


@pytest.fixture
async def filled(setup):
    await setup.retrieval.rows.upsert("docs", ROWS, [None] * len(ROWS))
    return setup


def test_reciprocal_ranks_are_summed():
    fused = fuse(["a", "b"], ["b", "c"])
    assert [one.id for one in fused] == ["b", "a", "c"]
    assert [one.score for one in fused] == pytest.approx([1 / 62 + 1 / 61, 1 / 61, 1 / 62])
    assert (fused[0].dense_rank, fused[0].sparse_rank, fused[2].dense_rank) == (2, 1, None)


def test_of_equal_scores_the_better_dense_rank_goes_first():
    assert [one.id for one in fuse(["z"], ["a"])] == ["z", "a"]
    assert [one.id for one in fuse([], ["b", "a"])] == ["b", "a"]


@pytest.mark.parametrize(
    ("space", "wanted"), [(Space.COSINE, [1, 0.6]), (Space.L2, [-1, -1.6]), (Space.IP, [2, 0.6])]
)
def test_similarities_of_each_space(space, wanted):
    query = np.array([1, 0], np.float32)
    vectors = np.array([[2, 0], [0.6, 0.8]], np.float32)
    found = similarities(vectors, query, space)
    assert found == pytest.approx([wanted[0], wanted[1] if space is not Space.L2 else -0.8])


async def test_a_text_is_searched_by_both_and_says_how(filled):
    found = await filled.retrieval.search.run(SearchQuery("docs", "red house on"))
    assert found.mode is SearchMode.HYBRID
    best = found.hits[0]
    assert (row_of(best), best.dense_rank, best.sparse_rank) == (ROWS[0], 1, 1)
    assert best.score == pytest.approx(2 / 61)
    assert best.similarity > 0.5
    assert all(hit.similarity is not None for hit in found.hits)


async def test_what_only_the_words_find_has_its_similarity_too(filled, monkeypatch):
    dense = await filled.retrieval.search.run(SearchQuery("docs", "red", mode=SearchMode.DENSE))
    similarity = {hit.id: hit.similarity for hit in dense.hits}

    async def nothing(*_):
        return []

    monkeypatch.setattr(filled.store, "query", nothing)
    found = await filled.retrieval.search.run(SearchQuery("docs", "red"))
    assert {hit.id for hit in found.hits} == {"a", "b"}
    for hit in found.hits:
        assert hit.dense_rank is None
        assert hit.similarity == pytest.approx(similarity[hit.id], abs=1e-6)


async def test_the_modes_score_by_what_they_search_by(filled):
    dense = await filled.retrieval.search.run(SearchQuery("docs", "red house", mode=SearchMode.DENSE))
    assert [hit.score for hit in dense.hits] == [hit.similarity for hit in dense.hits]
    assert [hit.dense_rank for hit in dense.hits] == [1, 2, 3, 4]
    sparse = await filled.retrieval.search.run(SearchQuery("docs", "red house", mode=SearchMode.SPARSE))
    assert [hit.id for hit in sparse.hits] == ["a", "b"]
    assert [(hit.sparse_rank, hit.similarity) for hit in sparse.hits] == [(1, None), (2, None)]


@pytest.mark.parametrize("mode", list(SearchMode))
async def test_filters_hold_in_every_mode(filled, mode):
    english = SearchQuery("docs", "red casa", mode=mode, filter=Equals("lang", "en"))
    assert {hit.id for hit in (await filled.retrieval.search.run(english)).hits} == {"a", "b"}
    others = SearchQuery("docs", "red casa", mode=mode, filter=Not(Equals("lang", "en")))
    assert not {"a", "b"} & {hit.id for hit in (await filled.retrieval.search.run(others)).hits}


@pytest.mark.parametrize("mode", [SearchMode.DENSE, SearchMode.HYBRID])
async def test_what_is_not_similar_enough_is_left_out(filled, mode):
    every = await filled.retrieval.search.run(SearchQuery("docs", "red house", mode=mode))
    least = sorted(hit.similarity for hit in every.hits)[-2]
    query = SearchQuery("docs", "red house", mode=mode, min_similarity=least)
    found = await filled.retrieval.search.run(query)
    assert len(found.hits) == 2
    assert min(hit.similarity for hit in found.hits) == least


async def test_a_row_that_is_deleted_while_it_is_searched_is_left_out(filled, monkeypatch):
    search = filled.texts.search

    async def then_delete(*arguments):
        matches = await search(*arguments)
        await filled.retrieval.rows.delete("docs", ["a"], None)
        return matches

    async def nothing(*_):
        return []

    monkeypatch.setattr(type(filled.texts), "search", staticmethod(then_delete))
    monkeypatch.setattr(filled.store, "query", nothing)
    found = await filled.retrieval.search.run(SearchQuery("docs", "red house", mode=SearchMode.HYBRID))
    assert [hit.id for hit in found.hits] == ["b"]


async def test_a_vector_searches_by_vector(filled):
    vector = np.ones(32, np.float32)
    found = await filled.retrieval.search.run(SearchQuery("docs", vector=vector, top_k=2))
    assert (found.mode, len(found.hits)) == (SearchMode.DENSE, 2)
    with pytest.raises(InvalidArgument, match=r"vector: has 8 bytes, needs 128 \(32 float32\)"):
        await filled.retrieval.search.run(SearchQuery("docs", vector=np.ones(2, np.float32)))


async def test_hits_are_in_the_space_of_the_collection(setup):
    await setup.retrieval.collections.create("far", IndexSettings(space=Space.L2))
    await setup.retrieval.rows.upsert("far", ROWS, [None] * len(ROWS))
    found = await setup.retrieval.search.run(SearchQuery("far", ROWS[0].text))
    assert found.hits[0].similarity == pytest.approx(0, abs=1e-5)
    assert all(hit.similarity <= 1e-5 for hit in found.hits)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (SearchQuery("docs"), "text"),
        (SearchQuery("docs", "x", vector=np.ones(32, np.float32)), "text"),
        (SearchQuery("docs", ""), "text"),
        (SearchQuery("docs", vector=np.ones(32, np.float32), mode=SearchMode.SPARSE), "mode"),
        (SearchQuery("docs", vector=np.ones(32, np.float32), mode=SearchMode.HYBRID), "mode"),
        (SearchQuery("docs", "x", top_k=0), "top_k"),
        (SearchQuery("docs", "x", top_k=1001), "top_k"),
        (SearchQuery("docs", "x", mode=SearchMode.SPARSE, min_similarity=0.1), "min_similarity"),
        (SearchQuery("docs", "x", min_similarity=float("nan")), "min_similarity"),
    ],
)
async def test_queries_that_are_refused(setup, query, field):
    with pytest.raises(InvalidArgument) as caught:
        await setup.retrieval.search.run(query)
    assert [violation.field for violation in caught.value.violations] == [field]


async def test_a_query_that_is_too_long_is_refused_or_cut_off(filled):
    long = "red " * 65
    with pytest.raises(TextTooLong, match="text: the text has 65 tokens"):
        await filled.retrieval.search.run(SearchQuery("docs", long))
    assert (await filled.retrieval.search.run(SearchQuery("docs", long, truncate=True))).hits


async def test_an_unknown_collection(setup):
    with pytest.raises(CollectionNotFound):
        await setup.retrieval.search.run(SearchQuery("nowhere", "x"))


async def test_the_span_of_a_search_is_named_as_opentelemetry_does(setup):
    telemetry = MagicMock()
    with setup.instruments.connected(telemetry):
        await setup.retrieval.search.run(SearchQuery("docs", "x", mode=SearchMode.SPARSE, top_k=3))
    (name, attributes), options = telemetry.span.call_args
    assert (name, options["kind"]) == ("retrieval", SpanKind.CLIENT)
    assert attributes == {
        "gen_ai.operation.name": "retrieval",
        "gen_ai.data_source.id": "docs",
        "gen_ai.retrieval.top_k": 3,
        "jarvis.mode": "sparse",
    }
