"""A model that is another one with further weights, on engines that are made up."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from types import SimpleNamespace

import pytest

from jarvis.core.generation.weights import WithWeights, open_weights
from jarvis.core.lifecycle import restarts
from jarvis.core.lifecycle.component import WhenUnwell
from jarvis.core.lifecycle.components import Components
from jarvis.core.lifecycle.reload import Reloads
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.lifecycle.sleeping import Sleeping
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model
from jarvis_ports.errors import EngineDead, ModelAsleep, ModelLoading
from jarvis_ports.llm import TellsTokens
from jarvis_ports.values import State
from tests.unit.core.generation.lora_engines import FOLDER, FakeLLM, PlainLLM, answer, soon, until


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    soon(monkeypatch)


@asynccontextmanager
async def served(kind=FakeLLM):
    """A model, and a second one that is the first with weights."""
    engines = []

    @asynccontextmanager
    async def opened():
        engines.append(kind(len(engines)))
        yield engines[-1]

    breaker = CircuitBreaker(9, 60)
    base = Model("base", "fake", opened, WhenUnwell.RESTART, breaker=breaker)
    opener = partial(open_weights, "own", base, lambda: FOLDER)
    own = Model("own", "lora", opener, WhenUnwell.RETRY, after=base, breaker=breaker)
    requests = Requests()
    reloads = Reloads(Components([base, own]), requests, lambda _: None, 60)
    runs = [asyncio.create_task(model.run()) for model in (base, own)]
    try:
        await until(lambda: base.state is State.READY)
        yield SimpleNamespace(base=base, own=own, engines=engines, runs=runs, reloads=reloads)
    finally:
        for run in reversed(runs):
            run.cancel()
            await asyncio.wait([run])


def ready(two):
    return lambda: two.own.state is State.READY


async def test_only_requests_to_its_name_use_the_weights():
    async with served() as two:
        await until(ready(two))
        (name,) = two.engines[0].loaded
        assert name.startswith("own-")
        assert (await answer(two.own), await answer(two.base)) == ([f"0 {name}"], ["0 alone"])
        assert two.own.capabilities.notes == ("further weights in the engine of model 'base'", "engine 0")

        two.runs[1].cancel()
        await asyncio.wait([two.runs[1]])
        assert two.engines[0].loaded == []
        assert await answer(two.base) == ["0 alone"]


async def test_it_tells_tokens_where_the_other_does():
    async with served() as two:
        await until(ready(two))
        with two.own.use() as llm:
            assert isinstance(llm, TellsTokens)
            assert (await llm.tokenize("x"), await llm.token_texts([1])) == ([1], ["a"])
            assert (await llm.detokenize([1]), await llm.count_tokens("four")) == ("a", 4)


@pytest.mark.parametrize("at_start", [True, False])
async def test_weights_that_do_not_load_are_told_and_tried_again_while_the_other_serves(at_start):
    FakeLLM.refusal = "no such weights" if at_start else ""
    async with served() as two:
        if not at_start:
            await until(ready(two))
            FakeLLM.refusal = "no such weights"
            two.engines[0].problem = "it fell"
        await until(lambda: two.own.restarts > restarts.MOST + 1)
        await until(lambda: two.own.state is State.FAILED)
        with pytest.raises(EngineDead, match="model 'own' is down: no such weights"):
            await answer(two.own)
        assert len(await answer(two.base)) == 1
        assert not any(run.done() for run in two.runs)

        FakeLLM.refusal = ""
        await until(ready(two))
        assert two.base.restarts == (not at_start)


async def test_a_model_without_the_protocol_is_told():
    async with served(PlainLLM) as two:
        await until(lambda: two.own.state is State.FAILED)
        assert two.own.message == "model 'base' takes no further weights: its adapter cannot"
        assert await answer(two.base) == ["0 alone"]


async def test_the_weights_are_there_again_when_the_engine_was_restarted():
    async with served() as two:
        await until(ready(two))
        two.engines[0].problem = "it fell"
        await until(lambda: len(two.engines) == 2 and two.engines[1].loaded and two.own.state is State.READY)
        (name,) = two.engines[1].loaded
        assert await answer(two.own) == [f"1 {name}"]
        assert (two.base.restarts, two.own.restarts >= 1) == (1, True)


async def test_a_reload_of_the_other_costs_no_answer():
    async with served() as two:
        await until(ready(two))
        two.engines[0].go.clear()
        early = asyncio.create_task(answer(two.own))
        await until(lambda: two.base.users(two.base.instance))
        reload = asyncio.create_task(two.reloads.reload("llm", "base"))
        await until(lambda: two.base.replaced)
        (name,) = two.engines[0].loaded
        assert await answer(two.own) == [f"1 {name}"]
        two.engines[0].go.set()
        assert await early == [f"0 {name}"]
        assert await reload == 0
        assert (two.own.state, two.own.restarts) == (State.READY, 0)


async def test_a_reload_of_its_own_loads_the_weights_anew():
    async with served() as two:
        await until(ready(two))
        (old,) = two.engines[0].loaded
        assert await two.reloads.reload("llm", "own") == 0
        (new,) = two.engines[0].loaded
        assert new != old
        assert await answer(two.own) == [f"0 {new}"]


async def test_weights_of_an_idle_model_load_it():
    async with served() as two:
        await until(ready(two))
        two.base._idle_seconds = 0
        await until(lambda: two.base.state is State.SLEEPING)
        two.base._idle_seconds = None
        await asyncio.sleep(0.01)
        assert (two.own.state, two.own.restarts) == (State.READY, 0)
        with pytest.raises(ModelLoading):
            await answer(two.own)
        await until(lambda: two.base.state is State.READY)
        (name,) = await answer(two.own)
        assert name.startswith("1 own-")


async def test_weights_of_a_model_that_was_put_to_sleep_are_told_so_and_not_tried_again():
    async with served() as two:
        await until(ready(two))
        sleeping = Sleeping(Components([two.base, two.own]), Requests(), 60)
        await sleeping.sleep("base")
        await asyncio.sleep(0.05)
        assert (two.own.state, two.own.restarts, two.own.serving) == (State.READY, 0, False)
        with pytest.raises(ModelAsleep):
            await answer(two.own)
        await sleeping.wake("base")
        (name,) = await answer(two.own)
        assert name.startswith("1 own-")


async def test_loading_ends_with_an_engine_that_never_answers_and_dies():
    async with served() as two:
        await until(ready(two))
        (engine,) = two.engines
        engine.load.clear()
        loading = asyncio.create_task(WithWeights("more", two.base, lambda: FOLDER).load(two.base.port))
        await asyncio.sleep(0.01)
        engine.problem = "it fell"
        two.base.suspect()
        with pytest.raises(EngineDead, match="went down"):
            await asyncio.wait_for(loading, 5)
