"""The scores of documents: their order, and what is refused, without a real model."""

import math

import pytest

from jarvis.core.lifecycle.component import Component
from jarvis.core.reranking import Reranking
from jarvis.core.telemetry import metrics
from jarvis.core.telemetry.instruments import Instruments
from jarvis_ports.errors import (
    EngineDead,
    EngineFailure,
    InvalidArgument,
    ModelLoading,
    ModelNotFound,
    NotConfigured,
    TextTooLong,
)
from jarvis_ports.reranker import RerankerInfo
from jarvis_ports.values import Reranked, RerankRequest, ScoredDocument, State


class FakeReranker:
    """A document's score is the number that it begins with; a word is a token, and the query is one."""

    def __init__(self):
        self.failure = None
        self.scored = []
        self.scores = None

    def info(self):
        return RerankerInfo(max_tokens=4)

    async def count_tokens(self, query, documents):
        return [1 + len(document.split()) for document in documents]

    async def score(self, query, documents):
        if self.failure:
            raise self.failure
        self.scored.append((query, list(documents)))
        return self.scores or [float(document.split()[0]) for document in documents]


@pytest.fixture
def reranker():
    return FakeReranker()


@pytest.fixture
def component(reranker):
    component = Component("reranker", "fake", "adapter", lambda: None)
    component._become(State.READY, "", reranker)
    return component


@pytest.fixture
def counted(monkeypatch):
    counted = []
    monkeypatch.setattr(Instruments, "count", lambda self, *what: counted.append(what))
    return counted


@pytest.fixture
def reranking(component):
    return Reranking(component, Instruments())


async def test_the_best_comes_first_and_of_equal_ones_that_which_was_first(reranking, reranker, counted):
    ranked = await reranking.rerank(RerankRequest("q", ("1 a", "3 a b", "2", "3")))
    assert ranked == Reranked(
        "fake",
        (
            ScoredDocument(1, 3.0, 4),
            ScoredDocument(3, 3.0, 2),
            ScoredDocument(2, 2.0, 2),
            ScoredDocument(0, 1.0, 3),
        ),
        tokens=11,
    )
    assert reranker.scored == [("q", ["1 a", "3 a b", "2", "3"])]
    assert counted == [(metrics.RERANKED, {"model": "fake"}, 4)]


async def test_a_request_is_measured_with_how_it_ended(reranking, reranker, monkeypatch):
    measured = []
    monkeypatch.setattr(
        Instruments, "observe", lambda self, metric, value, labels: measured.append((metric, labels))
    )
    await reranking.rerank(RerankRequest("q", ("1",)))
    reranker.failure = EngineFailure("no")
    with pytest.raises(EngineFailure):
        await reranking.rerank(RerankRequest("q", ("1",)))
    names = {
        "gen_ai.operation.name": "rerank",
        "gen_ai.provider.name": "adapter",
        "gen_ai.request.model": "fake",
    }
    assert measured == [
        (metrics.REQUEST_DURATION, names),
        (metrics.REQUEST_DURATION, {**names, "error.type": "ENGINE_FAILURE"}),
    ]


async def test_only_the_best_and_their_texts(reranking):
    ranked = await reranking.rerank(RerankRequest("q", ("1", "3", "2"), top_n=2, return_documents=True))
    assert [(one.index, one.document) for one in ranked.results] == [(1, "3"), (2, "2")]
    assert ranked.tokens == 6, "all were read"
    more = await reranking.rerank(RerankRequest("q", ("1", "3"), top_n=9))
    assert [one.index for one in more.results] == [1, 0]


async def test_what_is_too_long_is_refused_by_name_or_cut(reranking, reranker):
    documents = ("1", "2 a b c", "3 a b c d")
    with pytest.raises(TextTooLong) as refused:
        await reranking.rerank(RerankRequest("q", documents))
    told = {one.field: one.description for one in refused.value.violations}
    assert told.keys() == {"documents[1]", "documents[2]"}
    assert "the query and this document have 5 tokens, and the model reads 4" in told["documents[1]"]
    assert reranker.scored == []
    ranked = await reranking.rerank(RerankRequest("q", documents, truncate=True))
    assert [(one.index, one.tokens, one.truncated) for one in ranked.results] == [
        (2, 6, True),
        (1, 5, True),
        (0, 2, False),
    ]


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (RerankRequest(" \u200b", ("a",)), ["query"]),
        (RerankRequest("q", ()), ["documents"]),
        (RerankRequest("q", ("a",) * 1001), ["documents"]),
        (RerankRequest("q" * 20_001, ("a" * 200_000, "a" * 200_001)), ["query", "documents[1]"]),
        (RerankRequest("", ("a", "", "b", ""), top_n=0), ["query", "documents[1]", "documents[3]", "top_n"]),
    ],
)
async def test_all_that_is_wrong_is_named(reranking, reranker, request_, fields):
    with pytest.raises(InvalidArgument) as refused:
        await reranking.rerank(request_)
    assert [one.field for one in refused.value.violations] == fields
    assert reranker.scored == []


async def test_the_model_is_named_or_left_out(reranking):
    for name in ("fake", "", None):
        assert (await reranking.rerank(RerankRequest("q", ("1",), model=name))).model == "fake"
    with pytest.raises(ModelNotFound, match="fake"):
        await reranking.rerank(RerankRequest("q", ("1",), model="other"))


async def test_none_is_configured():
    reranking = Reranking(None, Instruments())
    assert not reranking.is_configured
    with pytest.raises(NotConfigured, match=r"reranker\.adapter is none"):
        await reranking.rerank(RerankRequest("q", ("1",)))


async def test_one_that_loads_says_so(component, reranking):
    component._become(State.LOADING, "")
    with pytest.raises(ModelLoading):
        await reranking.rerank(RerankRequest("q", ("1",)))


async def test_one_that_died_is_looked_at(component, reranker, reranking, counted):
    reranker.failure = EngineDead("gone")
    with pytest.raises(EngineDead):
        await reranking.score("q", ["1"])
    assert component._look_now.is_set()
    assert counted == [], "nothing was scored"


@pytest.mark.parametrize("scores", [[1.0], [1.0, math.nan], [1.0, math.inf], [1.0, 2.0, 3.0]])
async def test_scores_that_are_none_are_refused(reranker, reranking, scores):
    reranker.scores = scores
    with pytest.raises(EngineFailure, match="gave 2 documents"):
        await reranking.score("q", ["1", "2"])
