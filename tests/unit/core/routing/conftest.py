"""Models that answer, or fail, as they are told."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from jarvis.core.admission import Bounds
from jarvis.core.lifecycle.component import WhenUnwell
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model, Terms
from jarvis_ports.health import Health
from jarvis_ports.llm import ALL_FIELDS, Accepted, Delta, Finish, FinishReason, LLMCapabilities, Usage


class FakeLLM:
    """Gives one word, or raises `error`: at once, or after it was accepted, or after the word."""

    def __init__(self, name):
        self.name = name
        self.error = None
        self.when = "at once"
        self.well = True
        self.calls = 0
        self.open = 0

    async def generate(self, request):
        self.calls += 1
        self.open += 1
        try:
            self._fail("at once")
            yield Accepted(3)
            await asyncio.sleep(0)
            self._fail("accepted")
            yield Delta(0, self.name)
            self._fail("begun")
            yield Finish(0, FinishReason.STOP, Usage(3, 1))
        finally:
            self.open -= 1

    def _fail(self, when):
        if self.error and self.when == when:
            raise self.error

    async def count_tokens(self, input_, render=None):
        return 3

    def capabilities(self):
        return LLMCapabilities(100, ALL_FIELDS)

    async def health(self):
        return Health(ok=self.well)


class Fakes:
    """Makes models that are loaded until the test is over."""

    def __init__(self):
        self.llms = {}
        self.runs = []

    async def model(self, name, first=0, last=100, priority=0, most=None, failures=2, *, loaded=True):
        llm = self.llms[name] = FakeLLM(name)

        @asynccontextmanager
        async def opened():
            if not loaded:
                await asyncio.sleep(60)
            yield llm

        model = Model(
            name,
            "fake",
            opened,
            WhenUnwell.RESTART,
            terms=Terms(range(first, last + 1), priority, Bounds(most)),
            breaker=CircuitBreaker(failures, 60),
        )
        self.runs.append(asyncio.create_task(model.run()))
        while loaded and not model.loaded:
            await asyncio.sleep(0)
        return model


@pytest.fixture
async def fakes():
    made = Fakes()
    yield made
    for run in made.runs:
        run.cancel()
    await asyncio.gather(*made.runs, return_exceptions=True)
