"""The life of an adapter."""

import asyncio
import gc
from contextlib import asynccontextmanager

import pytest

from jarvis.core.lifecycle import component, instance, restarts
from jarvis.core.lifecycle.component import Component, WhenUnwell
from jarvis_ports.errors import EngineDead, EngineStartFailed, ModelLoading
from jarvis_ports.health import Health
from jarvis_ports.values import State


class Engine:
    """Opens as often as `starts` has True, and is well until told otherwise."""

    def __init__(self, *starts, failure=None):
        self.starts = list(starts)
        self.failure = failure or EngineStartFailed("no memory")
        self.well = True
        self.open = 0

    @asynccontextmanager
    async def __call__(self):
        if not self.starts.pop(0):
            raise self.failure
        self.well = True
        self.open += 1
        try:
            yield self
        finally:
            self.open -= 1

    async def health(self):
        return Health(self.well, "" if self.well else "it fell")


@pytest.fixture(autouse=True)
def _no_delays(monkeypatch):
    monkeypatch.setattr(restarts, "DELAYS", (0.0,))


async def until(model, state, restarts=0):
    async with asyncio.timeout(2):
        while (model.state, model.restarts) != (state, restarts):
            await asyncio.sleep(0)


async def fallen(engine):
    """Open a component that is restarted, and have its engine fall; give it, and its task."""
    model = Component("model", "m", "a", engine, WhenUnwell.RESTART)
    run = asyncio.create_task(model.run())
    await until(model, State.READY)
    engine.well = False
    model.suspect()
    return model, run


async def test_it_is_loading_then_ready_and_its_engine_is_closed_with_it():
    engine = Engine(True)
    model = Component("model", "m", "a", engine)
    with pytest.raises(ModelLoading):
        _ = model.port

    run = asyncio.create_task(model.run())
    await until(model, State.READY)
    assert model.port is engine

    run.cancel()
    await asyncio.wait([run])
    assert engine.open == 0


async def test_what_is_alive_is_left_out_of_garbage_collection_until_the_engine_is_closed():
    frozen = []

    @asynccontextmanager
    async def engine():
        try:
            yield Engine()
        finally:
            frozen.append(gc.get_freeze_count())

    model = Component("model", "m", "a", engine)
    run = asyncio.create_task(model.run())
    await until(model, State.READY)
    assert gc.get_freeze_count() > 1000

    run.cancel()
    await asyncio.wait([run])
    assert frozen == [0], "closing it frees what it holds in cycles"


async def test_an_engine_that_dies_ends_the_run():
    engine = Engine(True)
    model = Component("model", "m", "a", engine)
    run = asyncio.create_task(model.run())
    await until(model, State.READY)
    engine.well = False
    model.suspect()

    with pytest.raises(EngineDead, match="it fell"):
        await asyncio.wait_for(run, 0.5)  # at once, not at the next look
    assert model.state is State.FAILED
    with pytest.raises(EngineDead, match="it fell"):
        _ = model.port
    assert engine.open == 0


@pytest.mark.parametrize("failure", [EngineStartFailed("no memory"), ZeroDivisionError(), TimeoutError()])
async def test_an_engine_that_dies_is_restarted_even_when_a_restart_fails(failure):
    engine = Engine(True, False, True, failure=failure)
    model, run = await fallen(engine)
    await until(model, State.READY, restarts=2)

    assert engine.open == 1
    run.cancel()


async def test_an_engine_that_dies_and_does_not_close_is_restarted(caplog):
    class Stuck(Engine):
        @asynccontextmanager
        async def __call__(self):
            async with super().__call__():
                yield self
            if not self.well:
                raise RuntimeError("it does not close")

    engine = Stuck(True, True)
    model, run = await fallen(engine)
    await until(model, State.READY, restarts=1)
    assert "it fell; then, as it closed: it does not close" in caplog.text
    run.cancel()


async def test_an_engine_that_does_not_stay_up_ends_the_run():
    engine = Engine(True, *[False] * 20)
    _, run = await fallen(engine)
    told = f"does not stay up; after {restarts.MOST} restarts: no memory"
    with pytest.raises(EngineDead, match=told):
        await asyncio.wait_for(run, 2)
    assert len(engine.starts) == 20 - restarts.MOST


async def silence():
    await asyncio.Future()


async def fail():
    raise RuntimeError("no idea")


def fail_at_once():
    raise RuntimeError("no idea")


@pytest.mark.parametrize("unwell", [silence, fail, fail_at_once])
async def test_an_engine_that_does_not_tell_its_health_is_restarted(monkeypatch, unwell):
    monkeypatch.setattr(instance, "HEALTH_SECONDS", 0.05)

    class Silent(Engine):
        def health(self):
            return super().health() if self.well else unwell()

    engine = Silent(True, True)
    model, run = await fallen(engine)
    await until(model, State.READY, restarts=1)
    run.cancel()


async def test_a_store_whose_health_raises_stays_open_until_it_is_well_again():
    class Broken(Engine):
        async def health(self):
            return await super().health() if self.well else await fail()

    engine = Broken(True)
    store = Component("store", "s", "a", engine, WhenUnwell.WAIT)
    run = asyncio.create_task(store.run())
    await until(store, State.READY)
    engine.well = False
    store.suspect()
    await until(store, State.FAILED)
    assert "no idea" in store.message
    engine.well = True
    store.suspect()
    await until(store, State.READY)
    run.cancel()


async def test_an_engine_that_hangs_as_it_opens_again_is_given_up_and_tried_again(monkeypatch):
    monkeypatch.setattr(component, "OPEN_SECONDS", 0.05)
    opened = []

    @asynccontextmanager
    async def engine():
        opened.append(Engine())
        if len(opened) == 2:
            await asyncio.Future()
        yield opened[-1]

    model = Component("model", "m", "a", engine, WhenUnwell.RESTART)
    run = asyncio.create_task(model.run())
    await until(model, State.READY)
    opened[0].well = False
    model.suspect()
    await until(model, State.READY, restarts=2)
    run.cancel()


async def test_a_server_whose_engine_does_not_close_ends_and_opens_no_other_beside_it(monkeypatch):
    monkeypatch.setattr(instance, "CLOSE_SECONDS", 0.05)
    opened, released = [], asyncio.Event()

    @asynccontextmanager
    async def engine():
        opened.append(Engine())
        yield opened[-1]
        await released.wait()

    model = Component("model", "m", "a", engine, WhenUnwell.RESTART)
    run = asyncio.create_task(model.run())
    await until(model, State.READY)
    opened[0].well = False
    model.suspect()
    with pytest.raises(EngineDead, match="has not closed"):
        await asyncio.wait_for(run, 2)
    assert len(opened) == 1
    released.set()
    await asyncio.sleep(0)


async def test_how_long_until_an_engine_is_back_is_told_from_its_death_on(monkeypatch):
    monkeypatch.setattr(restarts, "DELAYS", (30.0,))
    engine = Engine(True)
    model = Component("model", "m", "a", engine, WhenUnwell.RESTART)
    with pytest.raises(ModelLoading) as caught:
        _ = model.port
    assert caught.value.retry_after == ModelLoading.retry_after  # nobody knows how long it takes

    run = asyncio.create_task(model.run())
    await until(model, State.READY)
    model._opening_seconds = 20.0
    died = EngineDead("of this request")
    model.set_retry_after(died)
    assert 49 < died.retry_after <= 50
    engine.well = False
    model.suspect()
    await until(model, State.FAILED)
    with pytest.raises(EngineDead) as caught:
        _ = model.port
    assert 49 < caught.value.retry_after <= 50
    run.cancel()


@pytest.mark.parametrize("failure", [EngineStartFailed("no memory"), TimeoutError()])
async def test_an_engine_that_never_started_is_not_restarted(failure):
    model = Component("model", "m", "a", Engine(False, failure=failure), WhenUnwell.RESTART)

    with pytest.raises(type(failure)) as caught:
        await model.run()
    assert caught.value is failure
    assert (model.state, model.message) == (State.FAILED, str(failure))


async def test_one_that_stays_open_whatever_it_says_is_failed_until_it_is_well_again():
    engine = Engine(True)
    store = Component("store", "s", "a", engine, WhenUnwell.WAIT)
    run = asyncio.create_task(store.run())
    await until(store, State.READY)
    engine.well = False
    store.suspect()
    await until(store, State.FAILED)
    assert (store.message, store.port, engine.open) == ("it fell", engine, 1)

    engine.well = True
    store.suspect()
    await until(store, State.READY)
    assert (store.message, store.restarts) == ("", 0)
    run.cancel()
