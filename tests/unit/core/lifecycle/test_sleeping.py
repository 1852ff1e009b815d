"""A model sleeps, so that others have its memory, and whoever needs it is told whether to wait."""

import asyncio

import pytest

from jarvis.core.lifecycle.component import WhenUnwell
from jarvis.core.lifecycle.sleeping import ASKED, Sleeping
from jarvis_ports.errors import (
    ComponentNotFound,
    Draining,
    EngineDead,
    ModelAsleep,
    ModelLoading,
    RequestAborted,
)
from jarvis_ports.values import State
from tests.unit.core.lifecycle.reloading import Engine, until


class Clumsy(Engine):
    """An engine that raises as it is closed."""

    def closing(self):
        raise ZeroDivisionError("clumsy")


async def test_it_is_closed_until_it_is_woken(model):
    component = model.component
    assert await model.sleeping.sleep("m") == 0
    assert (component.state, component.serving, component.restarts) == (State.SLEEPING, False, 0)
    assert model.engines.open == []
    for _ in range(2):
        with pytest.raises(ModelAsleep, match="sleeps until somebody wakes it") as caught:
            _ = component.port
        assert caught.value.retry_after == 30
    assert await model.sleeping.sleep("m") == 0, "it sleeps already"

    await model.sleeping.wake("m")
    assert (component.state, component.restarts) == (State.READY, 0)
    assert component.port.number == 1
    await model.sleeping.wake("m")
    assert model.engines.open == [1], "it is awake already"


async def test_requests_that_run_finish_first_and_new_ones_are_refused(model):
    with model.component.use() as port:
        falling = asyncio.create_task(model.sleeping.sleep("m"))
        await until(lambda: model.component.state is State.SLEEPING)
        with pytest.raises(ModelAsleep), model.component.use():
            pass
        await asyncio.sleep(0.02)
        assert port.open
        assert not falling.done()
    assert await falling == 0
    assert not port.open


async def test_one_that_takes_too_long_is_ended(bench):
    made = await bench(within=0.01)
    sleeping = Sleeping([made.component], made.requests, made.within)

    async def ask():
        with made.requests.track("1"), made.component.use():
            await asyncio.sleep(3600)

    asking = asyncio.create_task(ask())
    await until(lambda: made.requests.active)
    assert await sleeping.sleep("m") == 1
    with pytest.raises(Draining, match="was put to sleep, and the request did not finish in time"):
        await asking
    assert made.engines.open == []


async def test_whoever_leaves_before_it_sleeps_leaves_it_awake(model):
    with model.component.use():
        falling = asyncio.create_task(model.sleeping.sleep("m"))
        await until(lambda: model.component.state is State.SLEEPING)
        falling.cancel()
        await asyncio.wait([falling])
        assert falling.cancelled()
        assert model.component.port.open
    await asyncio.sleep(0.01)
    assert (model.component.state, model.engines.open) == (State.READY, [0])


async def test_one_that_dies_as_it_falls_asleep_is_told(bench):
    made = await bench(when_unwell=WhenUnwell.RESTART)
    sleeping = Sleeping([made.component], made.requests, made.within)
    with made.component.use() as port:
        falling = asyncio.create_task(sleeping.sleep("m"))
        await until(lambda: made.component.state is State.SLEEPING)
        port.problem = "it fell"
        made.component.suspect()
        await until(lambda: made.component.state is not State.SLEEPING)
    with pytest.raises((EngineDead, ModelLoading)):
        await falling
    assert made.component.sleep is None


async def test_a_wake_calls_off_a_sleep_that_waits_for_requests(model):
    with model.component.use() as port:
        falling = [asyncio.create_task(model.sleeping.sleep("m")) for _ in range(2)]
        await until(lambda: model.component.state is State.SLEEPING)
        await asyncio.sleep(0.01)
        await model.sleeping.wake("m")
        assert model.component.port is port
        for one in falling:
            with pytest.raises(RequestAborted, match="was woken before it slept"):
                await one
    assert model.engines.open == [0]


async def test_one_that_raises_as_it_is_closed_sleeps_all_the_same(bench):
    made = await bench(engine=Clumsy)
    made.engines.let_in.set()
    sleeping = Sleeping([made.component], made.requests, made.within)
    await sleeping.sleep("m")
    assert made.component.state is State.SLEEPING
    await sleeping.wake("m")
    assert made.component.state is State.READY


async def test_an_engine_that_can_sleep_is_not_closed(sleeper):
    port = sleeper.component.port
    await sleeper.sleeping.sleep("m")
    assert (port.asleep, port.open, sleeper.component.state) == (True, True, State.SLEEPING)
    await sleeper.sleeping.wake("m")
    assert (port.asleep, sleeper.component.port) == (False, port)
    port.problem = "it fell"
    sleeper.component.suspect()
    with pytest.raises(EngineDead, match="it fell"):
        await asyncio.wait_for(sleeper.run, 5)  # it is watched as it was before


async def test_one_that_dies_as_it_sleeps_is_closed_and_opened_anew_when_it_is_woken(sleeper, monkeypatch):
    monkeypatch.setattr("jarvis.core.lifecycle.component.HEALTH_INTERVAL", 0.01)
    port = sleeper.component.port
    await sleeper.sleeping.sleep("m")
    port.problem = "it fell"
    await until(lambda: not port.open)
    assert (sleeper.component.state, sleeper.component.restarts) == (State.SLEEPING, 0)
    sleeper.engines.let_in.set()
    await sleeper.sleeping.wake("m")
    assert (sleeper.component.state, sleeper.component.port.number) == (State.READY, 1)


async def test_what_is_in_one_that_sleeps_neither_serves_nor_is_unwell(bench, model):
    weights = await bench(after=model.component)
    assert (weights.component.serving, weights.component.asleep) == (True, False)
    assert weights.component.shown == (State.READY, "")
    await model.sleeping.sleep("m")
    assert (weights.component.serving, weights.component.asleep) == (False, True)
    state, message = weights.component.shown
    assert (state, message.removeprefix(f"{model.component} ")) == (State.SLEEPING, ASKED)


async def test_a_model_that_sleeps_is_not_reloaded(sleeper):
    await sleeper.sleeping.sleep("m")
    with pytest.raises(ModelAsleep):
        await sleeper.reload()


async def test_the_server_stops_while_a_model_sleeps(model):
    await model.sleeping.sleep("m")
    model.run.cancel()
    await asyncio.wait([model.run], timeout=5)
    assert model.run.cancelled()
    model.requests.draining = True
    with pytest.raises(Draining):
        await model.sleeping.wake("m")


async def test_a_model_that_does_not_exist(model):
    with pytest.raises(ComponentNotFound):
        await model.sleeping.sleep("other")


async def test_an_idle_one_is_closed_and_the_next_request_loads_it(bench):
    made = await bench(idle_seconds=0.05)
    component = made.component
    with component.use():
        await asyncio.sleep(0.1)
        component.suspect()
        await asyncio.sleep(0.01)
        assert component.state is State.READY, "it is in use"
    await asyncio.sleep(0.06)
    component.suspect()
    await until(lambda: made.engines.open == [])
    assert (component.state, component.serving) == (State.SLEEPING, True)
    assert component.message == "was not used for 0.05 s; the next request loads it"

    with pytest.raises(ModelLoading, match="still loading") as caught:
        _ = component.port
    assert caught.value.retry_after >= 1
    await until(made.engines.begun.is_set)
    assert (component.state, component.serving) == (State.LOADING, True)
    made.engines.let_in.set()
    await until(lambda: component.state is State.READY)
    assert (component.port.number, component.restarts) == (1, 0)


async def test_one_that_took_long_to_load_is_not_idle_at_once(bench):
    made = await bench(idle_seconds=0.05)
    await asyncio.sleep(0.06)
    made.component.suspect()
    await until(lambda: made.component.state is State.SLEEPING)
    with pytest.raises(ModelLoading):
        _ = made.component.port
    await made.engines.begun.wait()
    await asyncio.sleep(0.1)
    made.engines.let_in.set()
    await until(lambda: made.component.state is State.READY)
    made.component.suspect()
    await asyncio.sleep(0.02)
    assert made.component.state is State.READY


async def test_who_is_in_an_idle_one_wakes_it(bench):
    made = await bench(idle_seconds=0.05)
    made.engines.let_in.set()
    await asyncio.sleep(0.06)
    made.component.suspect()
    await until(lambda: made.component.state is State.SLEEPING)
    weights = await bench(after=made.component)
    assert weights.component.port.open
    await until(lambda: made.component.state is State.READY)


async def test_an_idle_one_that_is_put_to_sleep_stays_asleep(bench):
    made = await bench(idle_seconds=0.05)
    await asyncio.sleep(0.06)
    made.component.suspect()
    await until(lambda: made.component.state is State.SLEEPING)
    await Sleeping([made.component], made.requests, 1).sleep("m")
    with pytest.raises(ModelAsleep):
        _ = made.component.port
    assert (made.component.state, made.component.serving) == (State.SLEEPING, False)
