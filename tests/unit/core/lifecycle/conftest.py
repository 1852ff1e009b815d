import asyncio

import pytest

from jarvis.core.lifecycle import restarts
from jarvis.core.lifecycle.component import Component, WhenUnwell
from jarvis.core.lifecycle.sleeping import Sleeping
from jarvis_plugins.registry import PortName
from jarvis_ports.values import State
from tests.unit.core.lifecycle.reloading import Bench, Engine, Engines, Sleeper, until


@pytest.fixture
def _no_delays(monkeypatch):
    monkeypatch.setattr(restarts, "DELAYS", (0.0,))
    monkeypatch.setattr("jarvis.core.lifecycle.draining.LOOK_SECONDS", 0.001)
    monkeypatch.setattr("jarvis.core.lifecycle.sleeping.LOOK_SECONDS", 0.001)


@pytest.fixture
async def bench(_no_delays):
    """Makes a component that is open; all of it is closed in the end."""
    runs = []

    async def make(port=PortName.LLM, when_unwell=WhenUnwell.EXIT, within=60.0, engine=Engine, **options):
        engines = Engines(engine)
        component = Component(port, "m", "a", engines, when_unwell, **options)
        runs.append(asyncio.create_task(component.run()))
        await until(lambda: component.state is State.READY)
        made = Bench(component, engines, within)
        made.run = runs[-1]
        return made

    yield make
    for run in runs:
        run.cancel()
    await asyncio.gather(*runs, return_exceptions=True)


@pytest.fixture
async def model(bench):
    made = await bench()
    made.engines.let_in.set()
    made.sleeping = Sleeping([made.component], made.requests, made.within)
    return made


@pytest.fixture
async def sleeper(bench):
    made = await bench(engine=Sleeper)
    made.sleeping = Sleeping([made.component], made.requests, made.within)
    return made
