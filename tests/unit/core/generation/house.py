"""A model whose engine is made up, and what loads further weights into it."""

import asyncio
from contextlib import asynccontextmanager
from functools import partial

from jarvis.core.admission import Arrival, Ticket
from jarvis.core.generation.run_time_weights import RunTimeWeights
from jarvis.core.generation.weights import open_weights
from jarvis.core.lifecycle.component import WhenUnwell
from jarvis.core.lifecycle.components import Components
from jarvis.core.lifecycle.reload import Reloads
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.principal import principal
from jarvis.core.routing import Route, Routes
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model, Terms
from jarvis_ports.errors import EngineStartFailed
from jarvis_ports.llm import Delta, GenerateRequest
from jarvis_ports.values import State, WeightsRequest
from tests.unit.core.generation.lora_engines import FOLDER, FakeLLM, until

OWN = WeightsRequest("base", "own", "w")


class House:
    """Two models, one of which is the other with configured weights, and what loads more."""

    def __init__(self, drain=60.0, folders=True):
        self.engines = []
        self.base, fixed = self._base(), self._base("fixed")
        self.routes = Routes([self.base, fixed], [Route("route", [self.base])], "base")
        self.components = Components(self.routes.models)
        self.requests = Requests()
        self.reloads = Reloads(self.components, self.requests, lambda _: None, 60)
        self.principals = []
        self.weights = RunTimeWeights(
            {"fixed": WeightsRequest("base", "fixed", "f")},
            routes=self.routes,
            components=self.components,
            requests=self.requests,
            find=self.find if folders else None,
            make=self.make,
            drain_timeout_seconds=drain,
        )

    @asynccontextmanager
    async def opened(self):
        self.engines.append(FakeLLM(len(self.engines)))
        yield self.engines[-1]

    def _base(self, name="base"):
        breaker = CircuitBreaker(9, 60)
        return Model(name, "fake", self.opened, WhenUnwell.RESTART, breaker=breaker, terms=Terms(slots=1))

    def find(self, path):
        if path != "w":
            raise EngineStartFailed(f"{path} does not exist")
        return FOLDER

    def make(self, wanted, base, find):
        opener = partial(self._noted, wanted.name, base, find)
        breaker = CircuitBreaker(9, 60)
        return Model(
            wanted.name, "lora", opener, WhenUnwell.RETRY, after=base, terms=base.terms, breaker=breaker
        )

    @asynccontextmanager
    async def _noted(self, *args):
        self.principals.append(principal.get())
        async with open_weights(*args) as weights:
            yield weights

    async def ask(self, name, model=None):
        """Send a request as the server does."""
        model = model or self.routes.get(name).groups[0][0]
        with self.requests.track("r"):
            async with model.request(Ticket(Arrival(), 1)) as llm:
                events = llm.generate(GenerateRequest("", "x"))
                return [one.text async for one in events if isinstance(one, Delta)]

    def nothing_is_left(self):
        return (
            [one.loaded for one in self.engines] == [[]]
            and [model.name for model in self.routes.models] == ["base", "fixed"]
            and len(list(self.components)) == 2
            and not self.weights.tasks
        )


@asynccontextmanager
async def served(**how):
    house = House(**how)
    run = asyncio.create_task(house.base.run())
    try:
        await until(lambda: house.base.state is State.READY)
        yield house
    finally:
        await asyncio.sleep(0)  # what has not begun would not close what it is to keep open
        for task in (*house.weights.tasks, run):
            task.cancel()
            await asyncio.wait([task])
