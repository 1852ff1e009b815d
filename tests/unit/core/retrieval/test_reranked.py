"""The hits of a search, in the order of a reranker or, where it fails, in their own."""

import asyncio
import time

import pytest

from jarvis.core.retrieval import RetrievalSettings, Search
from jarvis.core.retrieval.reranked import HitReranker
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.telemetry.metrics import RERANKED_SEARCHES
from jarvis_ports.errors import EngineDead, InvalidArgument, UnsupportedField
from jarvis_ports.store import Row
from jarvis_ports.values import SearchMode, SearchQuery

TEXTS = {"one": "red red red", "two": "red red blue", "three": "red blue blue", "four": "green"}


class FakeReranking:
    """Likes blue."""

    is_configured = True

    def __init__(self):
        self.failure = None
        self.asked = []
        self.go = asyncio.Event()
        self.go.set()

    async def score(self, query, documents):
        self.asked.append((query, list(documents)))
        await self.go.wait()
        if self.failure:
            raise self.failure
        return [float(document.count("blue")) for document in documents]


@pytest.fixture
async def reranking():
    return FakeReranking()


@pytest.fixture
def counted(monkeypatch):
    counted = []

    def count(self, metric, attributes, by=1):
        if metric is RERANKED_SEARCHES:
            counted.append(attributes["outcome"])

    monkeypatch.setattr(Instruments, "count", count)
    return counted


@pytest.fixture
async def search(setup, reranking):
    """Makes the use case, over a few rows."""
    await setup.retrieval.rows.upsert("docs", [Row(*one) for one in TEXTS.items()], [None] * len(TEXTS))

    def make(candidates=50, seconds=5.0):
        settings = RetrievalSettings(20, 0, 1000, candidates, seconds)
        hits = HitReranker(reranking, settings, Instruments())
        return Search(setup.retrieval.search._catalog, hits, Instruments())

    return make


def ids(found):
    return [hit.id for hit in found.hits]


@pytest.mark.parametrize("mode", SearchMode)
async def test_hits_are_in_the_order_of_the_reranker(search, reranking, counted, mode):
    plain = await search().run(SearchQuery("docs", "red", mode=mode, rerank=False))
    assert not plain.reranked
    assert ids(plain)[0] == "one"
    assert {hit.rerank_score for hit in plain.hits} == {None}
    assert reranking.asked == []

    found = await search().run(SearchQuery("docs", "red", mode=mode))
    assert found.reranked
    assert ids(found)[:3] == ["three", "two", "one"]
    assert [hit.rerank_score for hit in found.hits][:3] == [2, 1, 0]
    assert {hit.id: hit.score for hit in found.hits} == {hit.id: hit.score for hit in plain.hits}
    assert reranking.asked[0][0] == "red"
    assert counted == ["done"]


async def test_what_is_reranked_is_more_than_what_is_asked_for(search, reranking):
    found = await search().run(SearchQuery("docs", "red", top_k=1, mode=SearchMode.DENSE))
    assert ids(found) == ["three"]
    assert len(reranking.asked[0][1]) == 4


async def test_only_so_many_are_reranked_and_the_rest_follows(search, reranking):
    found = await search(candidates=2).run(SearchQuery("docs", "red", mode=SearchMode.DENSE))
    assert ids(found) == ["two", "one", "three", "four"]
    assert [hit.rerank_score is None for hit in found.hits] == [False, False, True, True]


async def test_a_reranker_that_fails_fails_no_search(search, reranking, counted, caplog):
    plain = await search().run(SearchQuery("docs", "red", mode=SearchMode.DENSE, top_k=2, rerank=False))
    for failure in (EngineDead("gone"), ValueError("odd")):
        reranking.failure = failure
        found = await search().run(SearchQuery("docs", "red", mode=SearchMode.DENSE, top_k=2, rerank=True))
        assert (ids(found), found.reranked) == (ids(plain), False)
    assert counted == ["failed", "failed"]
    told = [record.getMessage() for record in caplog.records if "reranking" in record.getMessage()]
    assert told == [
        "a search is answered without reranking: gone",
        "a search is answered without reranking: ValueError('odd')",
    ]


async def test_a_reranker_that_is_slow_holds_up_no_search(search, reranking, counted):
    reranking.go.clear()
    found = await search(seconds=0.01).run(SearchQuery("docs", "red"))
    assert (found.reranked, len(found.hits), counted) == (False, 4, ["late"])


async def test_half_of_the_time_until_the_deadline_is_for_the_reranker(search, reranking, counted):
    reranking.go.clear()
    began = time.monotonic()
    found = await search(seconds=60).run(SearchQuery("docs", "red"), deadline=began + 1)
    assert (found.reranked, counted) == (False, ["late"])
    assert time.monotonic() < began + 1


async def test_a_search_that_is_cancelled_ends(search, reranking, counted):
    reranking.go.clear()
    running = asyncio.create_task(search().run(SearchQuery("docs", "red")))
    while not reranking.asked:
        await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])
    assert running.cancelled()
    assert counted == []


async def test_nothing_found_is_nothing_to_rerank(search, reranking):
    found = await search().run(SearchQuery("docs", "red", min_similarity=1.0, mode=SearchMode.DENSE))
    assert (found.hits, found.reranked, reranking.asked) == ((), False, [])


async def test_a_vector_is_not_reranked(setup, search, reranking):
    vector = (await setup.embedder.embed(["red"], "query"))[0]
    found = await search().run(SearchQuery("docs", vector=vector))
    assert not found.reranked
    assert reranking.asked == []
    with pytest.raises(InvalidArgument, match="rerank: needs a text"):
        await search().run(SearchQuery("docs", vector=vector, rerank=True))


async def test_without_a_reranker_only_a_search_that_demands_it_is_refused(search, reranking):
    reranking.is_configured = False
    assert not (await search().run(SearchQuery("docs", "red"))).reranked
    with pytest.raises(UnsupportedField, match=r"rerank: .* reranker\.adapter is none"):
        await search().run(SearchQuery("docs", "red", rerank=True))
