"""A component is replaced by a new instance of itself, and whoever uses the old one must not notice."""

import asyncio
import threading

import pytest

from jarvis.core.lifecycle.component import Component, WhenUnwell
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model
from jarvis_plugins.registry import PortName
from jarvis_ports.errors import (
    CannotReload,
    ComponentNotFound,
    Draining,
    EngineDead,
    EngineFailure,
    EngineStartFailed,
    ModelLoading,
)
from jarvis_ports.values import State
from tests.unit.core.lifecycle.reloading import Bench, Engines, until


async def test_the_new_one_takes_over_and_the_old_one_closes_when_nobody_uses_it(bench):
    one = await bench()
    component, engines = one.component, one.engines
    with component.use() as old:
        reload = await one.reloading()
        assert (component.port, component.state) == (old, State.READY), "it serves until the new one is open"
        engines.let_in.set()
        await until(lambda: component.port is not old)
        with component.use() as new:
            assert (new.number, old.open, reload.done()) == (1, True, False)
    assert await reload == 0
    assert engines.open == [1]
    assert (component.state, component.restarts, one.rooms) == (State.READY, 0, ["m"])

    new.problem = "it fell"
    component.suspect()
    with pytest.raises(EngineDead, match="it fell"):
        await asyncio.wait_for(one.run, 5)  # the new one is watched as the old one was
    assert engines.open == []


def raises(error):
    def spoil(engine):
        raise error

    return spoil


def is_unwell(engine):
    engine.problem = "no CUDA"


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (raises(EngineStartFailed("no memory")), "no memory"),
        (raises(ZeroDivisionError("a bug")), "did not open: ZeroDivisionError: a bug"),
        (is_unwell, "is not well: no CUDA"),
    ],
)
async def test_one_that_does_not_come_up_leaves_the_old_one(bench, spoil, told):
    one = await bench()
    one.engines.spoil = spoil
    one.engines.let_in.set()
    with pytest.raises(EngineStartFailed, match=told):
        await one.reload()
    assert one.engines.open == [0]
    assert (one.component.port.number, one.component.state) == (0, State.READY)

    one.engines.spoil = lambda engine: None
    assert await one.reload() == 0
    assert one.engines.open == [2]


async def test_a_caller_who_leaves_before_it_is_open_has_it_closed(bench):
    one = await bench()
    reload = await one.reloading()
    reload.cancel()
    await asyncio.wait([reload])
    assert reload.cancelled()
    assert one.engines.open == [0]
    one.engines.let_in.set()
    assert await one.reload() == 0, "another may be opened then"


async def test_a_caller_who_leaves_later_changes_nothing_and_none_is_opened_beside_the_two(bench):
    one = await bench()
    one.engines.let_in.set()
    with one.component.use():
        reload = one.reload()
        await until(lambda: one.component.port.number == 1)
        reload.cancel()
        await asyncio.wait([reload])
        assert one.engines.open == [0, 1]
        with pytest.raises(CannotReload, match="already"):
            await one.reload()
    await until(lambda: one.engines.open == [1])


async def test_only_one_at_a_time(bench):
    one = await bench()
    reload = await one.reloading()
    with pytest.raises(CannotReload, match="already"):
        await one.reload()
    one.engines.let_in.set()
    await reload
    assert len(one.engines.made) == 2


@pytest.mark.parametrize("when_unwell", [WhenUnwell.EXIT, WhenUnwell.RESTART])
async def test_where_the_old_one_dies_meanwhile_the_new_one_takes_over(bench, when_unwell):
    one = await bench(when_unwell=when_unwell)
    reload = await one.reloading()
    one.component.port.problem = "it fell"
    one.component.suspect()
    await until(lambda: one.component.state is State.FAILED)
    with pytest.raises(EngineDead, match="it fell"):
        _ = one.component.port
    one.engines.let_in.set()
    assert await reload == 0
    assert (one.component.state, one.component.restarts, one.engines.open) == (State.READY, 0, [1])
    assert not one.run.done()


async def test_where_both_die_what_would_have_happened_without_a_reload_happens(bench):
    async def die(one):
        reload = await one.reloading()
        one.component.port.problem = "it fell"
        one.component.suspect()
        await until(lambda: one.component.state is State.FAILED)
        one.engines.spoil = raises(EngineStartFailed("no memory"))
        one.engines.let_in.set()
        with pytest.raises(EngineStartFailed):
            await reload
        one.engines.spoil = lambda engine: None

    one, other = await bench(), await bench(when_unwell=WhenUnwell.RESTART)
    await die(one)
    await die(other)
    with pytest.raises(EngineDead, match="it fell"):
        await one.run
    await until(lambda: other.component.state is State.READY)
    assert (other.component.restarts, other.engines.open) == (1, [2])


async def test_a_component_that_is_closed_closes_what_opens_and_what_is_replaced(bench):
    opening, replacing = await bench(), await bench()
    first = await opening.reloading()
    replacing.engines.let_in.set()
    with replacing.component.use():
        second = replacing.reload()
        await until(lambda: replacing.component.port.number == 1)
        for one in (opening, replacing):
            one.run.cancel()
            await asyncio.wait([one.run])
            assert one.engines.open == []
    for task in (first, second):
        with pytest.raises(Draining, match="was closed"):
            await task


async def test_who_takes_too_long_to_finish_with_the_old_one_is_ended(bench):
    one = await bench(within=0.02)
    one.engines.let_in.set()

    async def request():
        with one.requests.track("r"), one.component.use():
            await asyncio.sleep(60)

    slow = asyncio.create_task(request())
    await asyncio.sleep(0)
    reload = one.reload()
    await until(lambda: one.component.port.number == 1)
    late = asyncio.create_task(request())
    assert await reload == 1
    with pytest.raises(Draining, match="'m' was reloaded"):
        await slow
    assert not late.done(), "it is served by the new one"
    late.cancel()


async def test_a_thread_that_uses_the_old_one_is_waited_for(bench):
    one = await bench()
    one.engines.let_in.set()
    entered, leave = threading.Event(), threading.Event()

    def use():
        with one.component.use() as port:
            entered.set()
            leave.wait(10)
            return port.open

    work = asyncio.create_task(asyncio.to_thread(use))
    await asyncio.to_thread(entered.wait, 10)
    reload = one.reload()
    await until(lambda: one.component.port.number == 1)
    assert not reload.done()
    leave.set()
    assert await work
    assert await reload == 0


@pytest.mark.parametrize(("field", "value"), [("identity", "other weights"), ("dimension", 4)])
async def test_an_embedder_that_makes_other_vectors_is_refused(bench, field, value):
    one = await bench(PortName.EMBEDDER, WhenUnwell.RESTART)
    one.engines.spoil = lambda engine: setattr(engine, field, value)
    one.engines.let_in.set()
    with pytest.raises(CannotReload, match=f"its {field} is {value!r}"):
        await one.reload()
    assert (one.component.port.number, one.engines.open, one.rooms) == (0, [0], [])


async def test_what_cannot_be_reloaded_says_what_to_do_instead(bench):
    one = await bench(PortName.STORE, WhenUnwell.WAIT)
    with pytest.raises(CannotReload, match="only once; restart the server instead"):
        await one.reload()
    with pytest.raises(ComponentNotFound, match="no llm 'x' is configured; there is store m"):
        await one.reloads.reload("llm", "x")
    loading = Bench(Component(PortName.LLM, "m", "a", Engines()), Engines())
    with pytest.raises(ModelLoading):
        await loading.reload()
    loading.requests.draining = True
    with pytest.raises(Draining):
        await loading.reload()


async def test_a_failure_in_an_engine_that_was_replaced_is_not_held_against_the_new_one():
    engines = Engines()
    engines.let_in.set()
    model = Model("m", "a", engines, breaker=CircuitBreaker(1, 60))
    run = asyncio.create_task(model.run())
    await until(lambda: model.state is State.READY)
    one = Bench(model, engines)
    with model.use():
        reload = one.reload()
        await until(lambda: model.port.number == 1)
        model.failed(EngineFailure("it fell"))
        assert not model.breaker.open
    await reload
    with model.use():
        model.failed(EngineFailure("it fell"))
    assert model.breaker.open
    run.cancel()
    await asyncio.wait([run])
