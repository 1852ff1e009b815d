"""A model that does not wake up takes nothing down with it, and is tried again."""

import asyncio

import pytest

from jarvis_ports.errors import EngineDead, ModelAsleep, ModelLoading
from jarvis_ports.values import State
from tests.unit.core.lifecycle.reloading import until


def no_memory(_):
    raise ZeroDivisionError("no memory")


async def test_one_that_does_not_wake_up_stays_asleep_says_why_and_can_be_woken_later(model):
    await model.sleeping.sleep("m")
    model.engines.spoil = no_memory
    for _ in range(2):
        with pytest.raises(EngineDead, match="'m' did not wake up: no memory; wake it again"):
            await model.sleeping.wake("m")
        component = model.component
        assert (component.state, component.serving, component.asleep) == (State.SLEEPING, False, False)
        with pytest.raises(ModelAsleep, match="no memory"):
            _ = component.port
    model.engines.spoil = lambda engine: None
    await model.sleeping.wake("m")
    assert (component.state, component.restarts) == (State.READY, 0)
    assert not model.run.done()


async def test_an_idle_one_that_does_not_load_again_is_tried_again_by_the_next_request(bench):
    made = await bench(idle_seconds=0.05)
    component = made.component
    made.engines.let_in.set()
    made.engines.spoil = no_memory
    await asyncio.sleep(0.06)
    component.suspect()
    await until(lambda: component.state is State.SLEEPING)
    for _ in range(2):
        with pytest.raises(ModelLoading):
            _ = component.port
        await until(lambda: component.state is State.LOADING)
        await until(lambda: component.state is State.SLEEPING)
        assert (component.serving, component.asleep) == (False, False)
        assert "did not wake up: no memory" in component.message
    made.engines.spoil = lambda engine: None
    with pytest.raises(ModelLoading, match="did not wake up"):
        _ = component.port
    await until(lambda: component.state is State.READY)


async def test_an_engine_that_died_in_its_sleep_is_started_anew_by_the_next_wake(sleeper):
    sleeper.engines.let_in.set()
    port = sleeper.component.port
    await sleeper.sleeping.sleep("m")
    port.spoilt = EngineDead("the engine process has died")
    with pytest.raises(EngineDead, match="did not wake up: the engine process has died"):
        await sleeper.sleeping.wake("m")
    await sleeper.sleeping.wake("m")
    assert sleeper.component.port.number == 1
