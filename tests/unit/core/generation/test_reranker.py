"""Scores that a model gives by what it says of "yes" and "no", with a model that is made up."""

import asyncio
import math
from contextlib import asynccontextmanager
from types import SimpleNamespace

import pytest

from jarvis.core.generation.reranker import AT_ONCE, NEEDED, QUESTIONS, open_reranker
from jarvis.core.lifecycle.sleep import Sleep
from jarvis.core.principal import Principal, principal
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model
from jarvis_ports.difficulty import Estimate
from jarvis_ports.errors import EngineDead, EngineFailure, EngineStartFailed, ModelLoading
from jarvis_ports.health import Health
from jarvis_ports.llm import (
    Accepted,
    Delta,
    Finish,
    FinishReason,
    LLMCapabilities,
    TokenLogprob,
    TopLogprob,
    Usage,
)
from jarvis_ports.values import State

CONTEXT = 60


class FakeLLM:
    """Says yes as often as the document has "yes" in it, of ten times; a word is a token."""

    def __init__(self, fields=NEEDED, tokens=None):
        self.fields = fields
        self.tokens = tokens or {"Yes": 1, "yes": 2, "No": 3, "no": 4, "Sí": 5, "sí": 6}
        self.requests = []
        self.running = self.most = 0
        self.left = 0
        self.failure = None
        self.go = asyncio.Event()
        self.go.set()

    def capabilities(self):
        return LLMCapabilities(CONTEXT, self.fields)

    async def health(self):
        return Health(ok=True)

    async def count_tokens(self, input_):
        return sum(len(message.content.split()) for message in input_)

    async def generate(self, request):
        self.requests.append(request)
        assert await self.count_tokens(request.input) < CONTEXT, "one token is for the answer"
        yield Accepted(1)
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.go.wait()
            await asyncio.sleep(0)
            if self.failure:
                raise self.failure
            if request.structured_output:
                (word,) = request.structured_output.value
                yield Delta(0, word, (self.tokens[word],))
            else:
                assert request.sampling.max_tokens == 1
                yield self._answer(request)
            yield Finish(0, FinishReason.LENGTH, Usage(1, 1))
        finally:
            self.running -= 1
            self.left += 1

    def _answer(self, request):
        ids = request.sampling.logprob_token_ids
        assert set(ids) == set(request.sampling.allowed_token_ids)
        yes = min(request.input[0].content.count("YES") / 10, 1)
        share = {1: 0.75 * yes, 2: 0.25 * yes, 5: 0.75 * yes, 6: 0.25 * yes, 3: 1 - yes, 4: 0.0}
        # The model gives some of its probability to other tokens; it tells no token of probability 0.
        top = tuple(TopLogprob(id_, "", math.log(share[id_] / 2)) for id_ in ids if share[id_])
        return Delta(0, "x", (3,), (TokenLogprob(3, "x", -1.0, top),))


@asynccontextmanager
async def asked(llm, estimator=None, language="en"):
    """A model, open, and the reranker that asks it."""

    @asynccontextmanager
    async def opened():
        yield llm

    model = Model("m", "fake", opened, breaker=CircuitBreaker(1, 60))
    run = asyncio.create_task(model.run())
    try:
        async with open_reranker(model, estimator, language) as reranker:
            yield SimpleNamespace(reranker=reranker, model=model)
    finally:
        run.cancel()
        await asyncio.wait([run])


async def test_a_score_is_the_probability_of_yes_among_yes_and_no():
    async with asked(llm := FakeLLM()) as one:
        scores = await one.reranker.score("q", ["YES " * 5, "nothing", "YES " * 10, "YES YES"])
        assert scores == pytest.approx([0.5, 0.0, 1.0, 0.2], abs=1e-9)
        learned = [request for request in llm.requests if request.structured_output]
        assert [request.structured_output.value for request in learned] == [
            ("Yes",),
            ("yes",),
            ("No",),
            ("no",),
        ]
        await one.reranker.score("q", ["YES"])
        assert len([request for request in llm.requests if request.structured_output]) == 4, "once a model"


async def test_the_query_comes_before_the_document_in_what_is_asked():
    async with asked(llm := FakeLLM()) as one:
        await one.reranker.score("{query} of braces", ["{document}"])
        text = llm.requests[-1].input[0].content
        assert text == QUESTIONS["en"].text.replace("{query}", "{query} of braces", 1)


@pytest.mark.parametrize(
    ("spoken", "configured", "expected"),
    [("es", "en", "es"), ("fr", "es", "es"), ("fr", "fr", "en"), (None, "es", "es")],
)
async def test_the_question_is_in_the_language_of_the_query(spoken, configured, expected):
    class Estimator:
        async def estimate(self, text):
            assert text == "q"
            return Estimate(0, spoken)

    estimator = SimpleNamespace(port=Estimator())
    async with asked(llm := FakeLLM(), estimator, configured) as one:
        assert await one.reranker.score("q", ["YES"]) == pytest.approx([0.1])
        begins = QUESTIONS[expected].text.partition("{")[0]
        assert all(request.input[0].content.startswith(begins) for request in llm.requests)


async def test_an_estimator_that_fails_is_done_without():
    class Estimator:
        async def estimate(self, text):
            raise ValueError(text)

    async with asked(FakeLLM(), SimpleNamespace(port=Estimator())) as one:
        assert await one.reranker.score("q", ["YES"]) == pytest.approx([0.1])


async def test_what_is_too_long_is_cut_at_its_end_the_longer_text_first():
    async with asked(llm := FakeLLM()) as one:
        long = "YES " * 10 + "more " * 200
        assert await one.reranker.score("a query", [long]) == pytest.approx([1.0])
        assert "a query" in llm.requests[-1].input[0].content
        assert await one.reranker.score("a query " * 100, ["YES"]) == pytest.approx([0.1])
        counts = await one.reranker.count_tokens("q", ["a", long])
        assert counts[0] < one.reranker.info().max_tokens == CONTEXT - 1 < counts[1]


async def test_only_so_many_are_asked_at_a_time_whoever_asks():
    async with asked(llm := FakeLLM()) as one:
        await asyncio.gather(*(one.reranker.score("q", ["YES"] * 40) for _ in range(3)))
        assert llm.most == AT_ONCE
        assert len([request for request in llm.requests if not request.structured_output]) == 3 * 40


async def test_what_nobody_waits_for_is_given_up():
    async with asked(llm := FakeLLM()) as one:
        await one.reranker.score("q", ["YES"])
        before = len(llm.requests)
        llm.go.clear()
        scoring = asyncio.create_task(one.reranker.score("q", ["YES"] * 100))
        while llm.running < AT_ONCE:
            await asyncio.sleep(0)
        scoring.cancel()
        await asyncio.wait([scoring])
        assert scoring.cancelled()
        assert llm.running == 0
        llm.go.set()
        assert len(llm.requests) == before + AT_ONCE
        assert await one.reranker.score("q", ["YES"]) == pytest.approx([0.1])


async def test_callers_do_not_share_what_is_kept_of_their_prompts():
    async with asked(llm := FakeLLM()) as one:
        token = principal.set(Principal("team", frozenset()))
        try:
            await one.reranker.score("q", ["YES"])
        finally:
            principal.reset(token)
        assert {request.cache_salt for request in llm.requests} == {Principal("team", frozenset()).cache_salt}
        assert len({request.request_id for request in llm.requests}) == len(llm.requests)


@pytest.mark.parametrize("failure", [EngineFailure("no"), EngineDead("no")])
async def test_a_failure_is_told_as_it_is_and_only_death_counts_for_the_model(failure):
    async with asked(llm := FakeLLM()) as one:
        await one.reranker.score("q", ["YES"])
        llm.failure = failure
        with pytest.raises(type(failure), match=r"^no$"):
            await one.reranker.score("q", ["YES"] * 5)
        assert one.model.breaker.open == isinstance(failure, EngineDead)
        assert llm.running == 0


async def test_a_model_that_cannot_be_asked_is_refused_with_what_it_lacks():
    llm = FakeLLM(NEEDED - {"messages", "structured_output.choice"})
    with pytest.raises(EngineStartFailed, match=r"does not take messages, structured_output\.choice$"):
        async with asked(llm):
            pass


async def test_answers_that_begin_alike_cannot_be_told_apart():
    same = dict.fromkeys(["Yes", "yes", "No", "no"], 7)
    async with asked(FakeLLM(tokens=same)) as one:
        with pytest.raises(EngineFailure, match="its yes and no begin with the same token"):
            await one.reranker.score("q", ["YES"])


async def test_it_is_as_well_as_its_model():
    async with asked(FakeLLM()) as one:
        assert await one.reranker.health() == Health(ok=True)
        one.model.fall_asleep(Sleep("was not used", light=True))
        assert await one.reranker.health() == Health(ok=True), "the next request loads it"
        one.model.fall_asleep(Sleep("was put to sleep", light=False))
        assert (await one.reranker.health()).ok, "it does not serve meanwhile, and is not unwell either"
        one.model._become(State.FAILED, "")
        one.model._become(State.LOADING, "restart 1")
        assert not (await one.reranker.health()).ok
        with pytest.raises(ModelLoading):
            await one.reranker.score("q", ["YES"])


async def test_a_model_that_was_replaced_is_learned_anew():
    async with asked(FakeLLM()) as one:
        await one.reranker.score("q", ["YES"])
        other = FakeLLM(tokens={"Yes": 5, "yes": 6, "No": 3, "no": 4})
        one.model._become(State.READY, "", other)
        assert await one.reranker.score("q", ["YES"]) == pytest.approx([0.1])
        assert set(other.requests[-1].sampling.logprob_token_ids) == {3, 4, 5, 6}
