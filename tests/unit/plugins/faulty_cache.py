"""A plugin of caches that each break the port's contract in one way."""

from contextlib import asynccontextmanager

from pydantic import ConfigDict

from jarvis_plugins import AdapterSettings, hookimpl
from jarvis_ports.health import Health


class FaultSettings(AdapterSettings):
    """None."""


class Fault:
    settings = FaultSettings

    def __init__(self):
        self.values = {}

    async def get(self, keys):
        return {key: self.values[key] for key in keys if key in self.values}

    async def put(self, items):
        self.values.update(items)

    async def health(self):
        return Health(ok=True)


class Forgets(Fault):
    async def put(self, items):
        pass


class RaisesOnMiss(Fault):
    async def get(self, keys):
        return {key: self.values[key] for key in keys}


class NoneOnMiss(Fault):
    async def get(self, keys):
        return {key: self.values.get(key) for key in keys}


class KeepsTheFirst(Fault):
    async def put(self, items):
        self.values = dict(items) | self.values


class EmptyIsAMiss(Fault):
    async def get(self, keys):
        return {key: value for key, value in (await super().get(keys)).items() if value}


class Cuts(Fault):
    async def put(self, items):
        await super().put({key: value[: 2**16] for key, value in items.items()})


class KeysAreText(Fault):
    """Stops a key at its first zero, as C does."""

    async def get(self, keys):
        found = await super().get([key.split(b"\0")[0] for key in keys])
        return {key: found[key.split(b"\0")[0]] for key in keys if key.split(b"\0")[0] in found}

    async def put(self, items):
        await super().put({key.split(b"\0")[0]: value for key, value in items.items()})


class GivesViews(Fault):
    async def get(self, keys):
        return {key: memoryview(value) for key, value in (await super().get(keys)).items()}


class KeepsTheCallersDict(Fault):
    def __init__(self):
        super().__init__()
        self.all = []

    async def put(self, items):
        self.all.append(items)
        self.values = {key: value for items in self.all for key, value in items.items()}

    async def get(self, keys):
        await self.put({})
        return await super().get(keys)


class Unbounded(Fault):
    """The plain fault is none but this."""


class Sick(Fault):
    async def health(self):
        return Health(ok=False, message="sick")


class LaxSettings(FaultSettings):
    model_config = ConfigDict(extra="ignore")


class Lax(Fault):
    settings = LaxSettings


FAULTS = {fault.__name__: fault for fault in Fault.__subclasses__()}


@hookimpl
def jarvis_register_adapters(registry):
    for name, fault in FAULTS.items():

        @asynccontextmanager
        async def open_fault(settings, fault=fault):
            yield fault()

        registry.cache(name, settings=fault.settings, factory=open_fault)
