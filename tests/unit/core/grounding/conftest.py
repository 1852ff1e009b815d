import asyncio
from types import SimpleNamespace

import pytest

from jarvis.core.generation import Generation
from jarvis.core.grounding import Grounding, GroundingSettings
from jarvis.core.prompting import Prompting
from jarvis.core.routing import Routes
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model
from jarvis.core.telemetry.instruments import Instruments
from jarvis_adapters.echo.adapter import EchoSettings, open_echo
from tests.unit.core.grounding.support import BUDGET, CONTEXT, FakeSearch
from tests.unit.core.unmetered import unmetered


@pytest.fixture
async def house():
    """A generation on echo, and its fake search."""
    async with asyncio.TaskGroup() as tasks:
        settings = EchoSettings(context_length=CONTEXT)
        model = Model("echo", "echo", lambda: open_echo(settings), breaker=CircuitBreaker(5, 30))
        run = tasks.create_task(model.run())
        while not model.loaded:
            await asyncio.sleep(0)
        search = FakeSearch()
        grounding = Grounding(search, GroundingSettings(0.25, BUDGET))
        prompting = Prompting(None, {}, [], automatic=False, language="en")
        generation = Generation(Routes([model], [], "echo"), prompting, grounding, Instruments(), unmetered())
        yield SimpleNamespace(generation=generation, search=search, model=model)
        run.cancel()
