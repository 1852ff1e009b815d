"""A plugin of estimators that each break the port's contract in one way."""

import asyncio
import time
from contextlib import asynccontextmanager

from pydantic import ConfigDict

from jarvis_plugins import AdapterSettings, hookimpl
from jarvis_ports.difficulty import Estimate, Signal
from jarvis_ports.health import Health


class FaultSettings(AdapterSettings):
    """None."""


class Fault:
    settings = FaultSettings

    async def estimate(self, text):
        await asyncio.sleep(0)
        return Estimate(min(len(text), 100), "en", (Signal("length", len(text)), Signal("base", 0.0)))

    async def health(self):
        return Health(ok=True)


class Faultless(Fault):
    """The plain fault is none."""


class Unbounded(Fault):
    async def estimate(self, text):
        return Estimate(len(text))


class Negative(Fault):
    async def estimate(self, text):
        return Estimate(len(text[:100]) - 1)


class Fractions(Fault):
    async def estimate(self, text):
        return Estimate(min(len(text) / 10, 100))


class NeedsAWord(Fault):
    async def estimate(self, text):
        return Estimate(len(text.split()[0][:100]))


class NeedsUnicode(Fault):
    async def estimate(self, text):
        return Estimate(len(text.encode()[:100]))


class ShowsAll(Fault):
    async def estimate(self, text):
        return Estimate(1, signals=(Signal("text", 1.0, text.encode(errors="replace").decode()),))


class ShowsWhatCannotBeSent(Fault):
    async def estimate(self, text):
        return Estimate(1, signals=(Signal("text", 1.0, text[:9]),))


class NamesLanguages(Fault):
    async def estimate(self, text):
        return Estimate(1, "English")


class Unsorted(Fault):
    async def estimate(self, text):
        return Estimate(1, signals=(Signal("base", 1.0), Signal("length", -2.0)))


class NotANumber(Fault):
    async def estimate(self, text):
        return Estimate(1, signals=(Signal("length", float("nan")),))


class Nameless(Fault):
    async def estimate(self, text):
        return Estimate(1, signals=(Signal("", 1.0),))


class Backwards(Fault):
    async def estimate(self, text):
        return Estimate(100 - len(text[:100]))


class Remembers(Fault):
    last = ""

    async def estimate(self, text):
        self.last, last = text, self.last
        return Estimate(min(len(text + last), 100))


class Mixes(Fault):
    async def estimate(self, text):
        self.text = text
        await asyncio.sleep(0)
        return Estimate(min(len(self.text), 100))


class LeftLocked(Fault):
    locked = False

    async def estimate(self, text):
        while self.locked:
            await asyncio.sleep(0)
        self.locked = True
        await asyncio.sleep(0)
        self.locked = False
        return Estimate(min(len(text), 100))


class Sick(Fault):
    async def health(self):
        return Health(ok=False, message="sick")


class SickOfLength(Fault):
    ok = True

    async def estimate(self, text):
        self.ok = len(text) < 10**5
        return await super().estimate(text)

    async def health(self):
        return Health(ok=self.ok)


class SlowHealth(Fault):
    async def health(self):
        await asyncio.sleep(8)
        return await super().health()


class Slow(Fault):
    async def estimate(self, text):
        await asyncio.sleep(0.3)
        return await super().estimate(text)


class Blocks(Fault):
    """Asks somebody else, and lets the event loop wait."""

    async def estimate(self, text):
        time.sleep(0.01)  # noqa: ASYNC251 - the fault
        return await super().estimate(text)


class TaskPerText(Fault):
    kept = ()

    async def estimate(self, text):
        self.kept = (*self.kept, asyncio.create_task(asyncio.sleep(1000)))
        return await super().estimate(text)


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

        registry.estimator(name, settings=fault.settings, factory=open_fault)
