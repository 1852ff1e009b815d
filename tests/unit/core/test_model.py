"""The life of a model's engine."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from jarvis.core import model as module
from jarvis.core.model import Model, Models, State
from jarvis_ports.errors import EngineDead, EngineStartFailed, ModelLoading, ModelNotFound
from jarvis_ports.health import Health


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
    monkeypatch.setattr(module, "RESTART_DELAYS", (0.0,))


async def until(model, state, restarts=0):
    async with asyncio.timeout(2):
        while (model.state, model.restarts) != (state, restarts):
            await asyncio.sleep(0)


async def test_it_is_loading_then_ready_and_its_engine_is_closed_with_it():
    engine = Engine(True)
    model = Model("m", "a", engine)
    with pytest.raises(ModelLoading):
        _ = model.llm

    run = asyncio.create_task(model.run())
    await until(model, State.READY)
    assert model.llm is engine

    run.cancel()
    await asyncio.wait([run])
    assert engine.open == 0


async def test_an_engine_that_dies_ends_the_run():
    engine = Engine(True)
    model = Model("m", "a", engine)
    run = asyncio.create_task(model.run())
    await until(model, State.READY)
    engine.well = False
    model.suspect()

    with pytest.raises(EngineDead, match="it fell"):
        await asyncio.wait_for(run, 0.5)  # at once, not at the next look
    assert model.state is State.FAILED
    with pytest.raises(EngineDead, match="it fell"):
        _ = model.llm
    assert engine.open == 0


@pytest.mark.parametrize("failure", [EngineStartFailed("no memory"), ZeroDivisionError()])
async def test_an_engine_that_dies_is_restarted_even_when_a_restart_fails(failure):
    engine = Engine(True, False, True, failure=failure)
    model = Model("m", "a", engine, restart=True)
    run = asyncio.create_task(model.run())
    await until(model, State.READY)
    engine.well = False
    model.suspect()
    await until(model, State.READY, restarts=2)

    assert engine.open == 1
    run.cancel()


async def test_an_engine_that_never_started_is_not_restarted():
    model = Model("m", "a", Engine(False), restart=True)

    with pytest.raises(EngineStartFailed, match="no memory"):
        await model.run()
    assert (model.state, model.message) == (State.FAILED, "no memory")


async def test_models_tell_when_a_state_has_changed():
    engine = Engine(True)
    models = Models([Model("m", "a", engine)], default="m")
    changed = asyncio.create_task(models.change())
    run = asyncio.create_task(models.get("").run())

    await asyncio.wait_for(changed, 1)
    assert models.ready
    run.cancel()


def test_an_unknown_model_names_those_there_are():
    with pytest.raises(ModelNotFound, match="no model 'x'; there is m"):
        Models([Model("m", "a", Engine())], default="m").get("x")
