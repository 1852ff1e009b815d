"""Engines that open when they are let in, and a component over them that can be reloaded."""

import asyncio
from contextlib import asynccontextmanager

from jarvis.core.lifecycle.components import Components
from jarvis.core.lifecycle.reload import Reloads
from jarvis.core.lifecycle.requests import Requests
from jarvis_ports.embedding import EmbedderInfo
from jarvis_ports.health import Health


class Engine:
    def __init__(self, number):
        self.number = number
        self.problem = ""
        self.open = False
        self.identity, self.dimension = "weights", 3

    def closing(self):
        """Called as it is closed."""

    async def health(self):
        return Health(not self.problem, self.problem)

    def info(self):
        return EmbedderInfo(self.identity, self.dimension, 8)


class Sleeper(Engine):
    """An engine that can sleep without being closed."""

    can_sleep = True

    def __init__(self, number):
        super().__init__(number)
        self.asleep = False
        self.spoilt = None

    async def sleep(self):
        self.asleep = True

    async def wake(self):
        if self.spoilt:
            raise self.spoilt
        self.asleep = False


class Engines:
    """Opens one engine after another; each but the first waits until it is let in, and may be spoilt."""

    def __init__(self, engine=Engine):
        self.engine = engine
        self.made = []
        self.let_in = asyncio.Event()
        self.begun = asyncio.Event()
        self.spoil = lambda engine: None

    @asynccontextmanager
    async def __call__(self):
        engine = self.engine(len(self.made))
        self.made.append(engine)
        engine.open = True
        try:
            if engine.number:
                self.begun.set()
                await self.let_in.wait()
                self.spoil(engine)
            yield engine
        finally:
            engine.open = False
            engine.closing()

    @property
    def open(self):
        return [engine.number for engine in self.made if engine.open]


class Bench:
    """A component that is open, and what reloads it."""

    def __init__(self, component, engines, within=60.0):
        self.component, self.engines = component, engines
        self.requests = Requests()
        self.within = within
        self.rooms = []
        self.reloads = Reloads(Components([component]), self.requests, self.rooms.append, within)

    def reload(self):
        return asyncio.create_task(self.reloads.reload(self.component.port_name, self.component.name))

    async def reloading(self):
        task = self.reload()
        await self.engines.begun.wait()
        return task


async def until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0)
