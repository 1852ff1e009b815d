"""A plugin of caches that each break the port's contract in one way."""

import asyncio
import os
import pickle
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from pydantic import ConfigDict

from jarvis_plugins import AdapterSettings, hookimpl
from jarvis_ports.health import Health


class FaultSettings(AdapterSettings):
    """None."""


class Fault:
    settings = FaultSettings

    def close(self):
        pass

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


class SlowHealth(Fault):
    async def health(self):
        await asyncio.sleep(8)
        return await super().health()


class TakesItemsAway(Fault):
    async def put(self, items):
        while items:
            self.values.update([items.popitem()])


class SortsKeys(Fault):
    async def get(self, keys):
        if isinstance(keys, list):
            keys.sort()
        return await super().get(keys)


class Blocks(Fault):
    async def get(self, keys):
        time.sleep(0.01)  # noqa: ASYNC251 - the fault
        return await super().get(keys)


class DescriptorPerCall(Fault):
    async def get(self, keys):
        os.open(os.devnull, os.O_RDONLY)
        return await super().get(keys)


class Durable(Fault):
    """Without a fault: a file beside this one has the values, after each write."""

    file = Path(__file__).with_name("durable.pickle")

    def __init__(self):
        super().__init__()
        with suppress(FileNotFoundError):
            self.values = pickle.loads(self.file.read_bytes())  # noqa: S301 - its own

    async def put(self, items):
        await super().put(items)
        self.save()

    def save(self):
        self.file.write_bytes(pickle.dumps(self.values))


class ForgetsWhenClosed(Durable):
    file = Path(__file__).with_name("forgets.pickle")

    def close(self):
        self.file.unlink(missing_ok=True)


class SavesWhenClosed(Durable):
    file = Path(__file__).with_name("late.pickle")

    async def put(self, items):
        self.values.update(items)

    def close(self):
        self.save()


class KeepsTheFirstForLong(Durable):
    """Does not write over what is in its file."""

    file = Path(__file__).with_name("first.pickle")
    saved = {}  # noqa: RUF012 - of all that are opened

    def save(self):
        self.saved.update({key: value for key, value in self.values.items() if key not in self.saved})
        self.file.write_bytes(pickle.dumps(self.saved))


class LaxSettings(FaultSettings):
    model_config = ConfigDict(extra="ignore")


class Lax(Fault):
    settings = LaxSettings


FAULTS = {fault.__name__: fault for fault in [*Fault.__subclasses__(), *Durable.__subclasses__()]}


@hookimpl
def jarvis_register_adapters(registry):
    for name, fault in FAULTS.items():

        @asynccontextmanager
        async def open_fault(settings, fault=fault):
            opened = fault()
            yield opened
            opened.close()

        registry.cache(name, settings=fault.settings, factory=open_fault)
