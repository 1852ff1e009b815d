"""A request begins at the first model that can answer it, and is never spliced from two."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from jarvis.core.admission import Arrival, Ticket
from jarvis.core.lifecycle import restarts
from jarvis.core.routing import Route, Routes, begin
from jarvis.core.telemetry.instruments import Instruments
from jarvis_ports.errors import (
    ContextLengthExceeded,
    EngineDead,
    EngineFailure,
    InvalidArgument,
    ModelLoading,
    Overloaded,
    StoreUnavailable,
    UnsupportedField,
)
from jarvis_ports.llm import Delta, GenerateRequest
from jarvis_ports.values import Routing, RoutingReason, SkippedModel

TOO_LONG = ContextLengthExceeded(field="messages", prompt_tokens=200, max_tokens=0, context_length=100)


def ticket():
    return Ticket(Arrival(), 4)


async def prepare(llm):
    return GenerateRequest("r", "text"), "prepared"


async def answer(way, difficulty=None, prepare=prepare):
    """Return how the model was found, and what it wrote."""
    async with AsyncExitStack() as stack:
        attempt = await begin(stack, way, difficulty, ticket, prepare, Instruments())
        assert attempt.accepted.prompt_tokens == 3
        assert attempt.prepared == "prepared"
        outputs = [attempt.first, *[event async for event in attempt.events]]
    return attempt.routing, "".join(event.text for event in outputs if isinstance(event, Delta))


@pytest.fixture
async def two(fakes):
    """A route over models a and b."""
    a, b = await fakes.model("a"), await fakes.model("b")
    return Routes([a, b], [Route("r", [a, b])], "r").get("r")


async def test_the_first_that_is_well_answers(two):
    assert await answer(two) == (Routing("r", RoutingReason.ROUTED), "a")


async def test_a_named_model_answers_or_nobody_does(fakes):
    way = Routes([await fakes.model("a"), await fakes.model("b")], [], "a").get("b")
    assert await answer(way) == (Routing(None, RoutingReason.NAMED), "b")
    fakes.llms["b"].error = EngineDead("gone")
    with pytest.raises(EngineDead):
        await answer(way)
    assert fakes.llms["a"].calls == 0


@pytest.mark.parametrize("when", ["at once", "accepted"])
@pytest.mark.parametrize("error", [EngineDead("gone"), Overloaded("full"), TOO_LONG], ids=lambda e: e.reason)
async def test_before_the_first_output_the_next_one_takes_over(fakes, two, error, when):
    fakes.llms["a"].error, fakes.llms["a"].when = error, when
    skipped = (SkippedModel("a", error.reason),)
    assert await answer(two) == (Routing("r", RoutingReason.FALLBACK, skipped), "b")
    assert [llm.open for llm in fakes.llms.values()] == [0, 0]


async def test_after_the_first_output_it_fails(fakes, two):
    fakes.llms["a"].error, fakes.llms["a"].when = EngineDead("gone"), "begun"
    with pytest.raises(EngineDead):
        await answer(two)
    assert fakes.llms["b"].calls == 0


@pytest.mark.parametrize("error", [EngineFailure("bug"), InvalidArgument.of("messages", "bad")])
async def test_what_another_model_would_suffer_from_too_is_told_at_once(fakes, two, error):
    fakes.llms["a"].error = error
    with pytest.raises(type(error)):
        await answer(two)
    assert fakes.llms["b"].calls == 0


async def test_what_is_wrong_beside_the_models_is_told_at_once(fakes, two):
    async def fail(llm):
        msg = "no store"
        raise StoreUnavailable(msg)

    with pytest.raises(StoreUnavailable):
        await answer(two, prepare=fail)
    assert [model.active for model in two.order(None)] == [0, 0]


async def test_a_model_that_does_not_take_a_field_is_passed_over_and_a_retry_is_told_where_it_helps(
    fakes, two
):
    error = UnsupportedField.of("tools", "is not taken")

    async def takes_none_of(llm, *names):
        if llm.name in names:
            raise error
        return await prepare(llm)

    routing, text = await answer(two, prepare=lambda llm: takes_none_of(llm, "a"))
    assert (text, routing.skipped) == ("b", (SkippedModel("a", "UNSUPPORTED_FIELD"),))
    with pytest.raises(UnsupportedField):
        await answer(two, prepare=lambda llm: takes_none_of(llm, "a", "b"))
    fakes.llms["a"].error = EngineDead("gone")
    fakes.llms["a"].error.retry_after = 3
    with pytest.raises(EngineDead):
        await answer(two, prepare=lambda llm: takes_none_of(llm, "b"))
    assert [model.active for model in two.order(None)] == [0, 0]


async def test_a_model_that_is_loading_or_full_is_passed_over(fakes):
    loading = await fakes.model("loading", loaded=False)
    full, free = await fakes.model("full", most=1), await fakes.model("free", priority=1)
    way = Routes([], [Route("r", [loading, full, free])], "r").get("r")
    async with full.request(ticket()):
        routing, text = await answer(way)
    assert text == "free"
    assert routing.skipped == (SkippedModel("loading", "MODEL_LOADING"), SkippedModel("full", "OVERLOADED"))


async def test_where_nobody_can_the_error_says_to_retry_if_that_may_help(fakes):
    long, loading = await fakes.model("long"), await fakes.model("loading", loaded=False)
    fakes.llms["long"].error = TOO_LONG
    way = Routes([], [Route("r", [long, loading])], "r").get("r")
    with pytest.raises(ModelLoading) as caught:
        await answer(way)
    assert caught.value.retry_after > 0

    with pytest.raises(ContextLengthExceeded):
        await answer(Routes([], [Route("r", [long])], "r").get("r"))


async def test_one_that_keeps_failing_is_tried_last_and_comes_back(fakes, two, monkeypatch, caplog):
    a, _ = two.order(None)
    fakes.llms["a"].error = EngineDead("gone")
    for _ in range(2):
        await answer(two)
    assert a.breaker.open
    assert "model 'a' keeps failing, and is tried last for a while: gone" in caplog.text

    routing, text = await answer(two)
    assert (text, fakes.llms["a"].calls) == ("b", 2)
    assert routing.skipped == (SkippedModel("a", "CIRCUIT_OPEN"),)

    fakes.llms["b"].error = EngineDead("gone")
    with pytest.raises(EngineDead):
        await answer(two)
    assert fakes.llms["a"].calls == 3, "where all are troubled, each is still tried"

    fakes.llms["a"].error = None
    monkeypatch.setattr(a.breaker, "_clock", lambda: 1e12)
    assert await answer(two) == (Routing("r", RoutingReason.ROUTED), "a")
    assert not a.breaker.open


async def test_an_engine_that_was_started_again_is_trusted_again(fakes, two, monkeypatch):
    monkeypatch.setattr(restarts, "DELAYS", (0.0,))
    a, _ = two.order(None)
    llm = fakes.llms["a"]
    llm.error = EngineDead("gone")
    await answer(two)
    await answer(two)
    assert a.breaker.open

    llm.well = False
    a.suspect()
    while not a.restarts:
        await asyncio.sleep(0)
    llm.well, llm.error = True, None
    while not a.loaded:
        await asyncio.sleep(0)
    assert await answer(two) == (Routing("r", RoutingReason.ROUTED), "a")


async def test_a_failure_while_it_streams_counts_as_well(fakes):
    model = await fakes.model("a", failures=1)
    model.failed(EngineFailure("bug"))
    assert model.breaker.open


async def test_a_caller_that_leaves_says_nothing_of_the_model(fakes, two):
    a, _ = two.order(None)
    async with AsyncExitStack() as stack:
        await begin(stack, two, None, ticket, prepare, Instruments())
        assert a.active == 1
    assert (a.active, fakes.llms["a"].open, a.breaker.open) == (0, 0, False)
