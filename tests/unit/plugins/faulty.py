"""A plugin of adapters that each break the port's contract in one way."""

import asyncio
import time
from contextlib import asynccontextmanager
from dataclasses import replace

from pydantic import ConfigDict

from jarvis_adapters.echo.adapter import Echo, EchoSettings
from jarvis_plugins import hookimpl
from jarvis_ports.errors import ContextLengthExceeded
from jarvis_ports.health import Health
from jarvis_ports.llm import Accepted, Delta, Finish, Raw, RenderParams, Role, SamplingParams


class Fault(Echo):
    settings = EchoSettings


class Cumulative(Fault):
    async def generate(self, request):
        text = ""
        async for event in super().generate(request):
            text += event.text if isinstance(event, Delta) else ""
            yield replace(event, text=text) if isinstance(event, Delta) else event


class Unfinished(Fault):
    async def generate(self, request):
        async for event in super().generate(request):
            if not isinstance(event, Finish):
                yield event


class TalksOn(Fault):
    async def generate(self, request):
        async for event in super().generate(request):
            yield event
        yield Delta(0, "and one more thing")


class Unaccepted(Fault):
    async def generate(self, request):
        async for event in super().generate(request):
            if not isinstance(event, Accepted):
                yield event


class Deaf(Fault):
    """Ignores all sampling parameters."""

    async def generate(self, request):
        async for event in super().generate(replace(request, sampling=SamplingParams())):
            yield event


class Miscounts(Fault):
    async def generate(self, request):
        async for event in super().generate(request):
            yield replace(event, prompt_tokens=1) if isinstance(event, Accepted) else event


class TellsAllIds(Fault):
    async def generate(self, request):
        async for event in super().generate(replace(request, return_token_ids=True)):
            yield event


class RefusesLate(Fault):
    async def generate(self, request):
        try:
            async for event in super().generate(request):
                yield event
        except ContextLengthExceeded:
            yield Accepted(1)
            raise


class Leaks(Fault):
    """Keeps the slot of a stream that is closed early."""

    def __init__(self, settings):
        super().__init__(settings)
        self.slots = asyncio.Semaphore(64)

    async def generate(self, request):
        await self.slots.acquire()
        async for event in super().generate(request):
            yield event
        self.slots.release()


class Boasts(Fault):
    def capabilities(self):
        capabilities = super().capabilities()
        return replace(capabilities, fields=capabilities.fields | {"sampling.charm"})


class NotTold(Fault):
    """Leaves system messages out of the prompt."""

    async def count_tokens(self, input_, render=RenderParams()):
        raw = isinstance(input_, Raw)
        users = input_ if raw else [m for m in input_ if m.role is not Role.SYSTEM]
        return await super().count_tokens(users, render)


class Garbles(Fault):
    """Tells other tokens than it reads."""

    async def tokenize(self, input_, render=RenderParams()):
        return list(reversed(await super().tokenize(input_, render)))


class Sick(Fault):
    async def health(self):
        return Health(ok=False, message="sick")


class SlowHealth(Fault):
    async def health(self):
        await asyncio.sleep(8)
        return await super().health()


class BlocksInHealth(Fault):
    async def health(self):
        time.sleep(6)  # noqa: ASYNC251 - the fault; on a busy machine, a third of that is counted
        return await super().health()


class WaitsForStreams(Fault):
    """Tells its health when nothing else runs."""

    def __init__(self, settings):
        super().__init__(settings)
        self.lock = asyncio.Lock()

    async def generate(self, request):
        async with self.lock:
            async for event in super().generate(request):
                yield event

    async def health(self):
        async with self.lock:
            return await super().health()


class OneAtATime(Fault):
    def __init__(self, settings):
        super().__init__(settings)
        self.lock = asyncio.Lock()

    async def generate(self, request):
        async with self.lock:
            async for event in super().generate(request):
                yield event


class AcceptsThenQueues(OneAtATime):
    """Accepts all at once, and makes one answer after the other before anybody reads it."""

    async def generate(self, request):
        events = Echo.generate(self, request)
        yield await anext(events)
        async with self.lock:
            made = [event async for event in events]
        for event in made:
            yield event


class MixesStreams(Fault):
    """Answers every caller what the last one asked."""

    async def generate(self, request):
        self.last = request
        await asyncio.sleep(0)
        last = [event async for event in super().generate(self.last)]
        own = [event async for event in super().generate(request)]
        for event in [own[0], *last[1:-1], own[-1]]:
            yield event


class OneDelta(Fault):
    async def generate(self, request):
        text, last = "", None
        async for event in super().generate(request):
            if isinstance(event, Delta):
                text, last = text + event.text, event
                continue
            if last:
                yield replace(last, text=text)
                last = None
            yield event


class AllAtTheEnd(Fault):
    """Sends its parts when the last of them is made."""

    def __init__(self, settings):
        super().__init__(settings)
        self._seconds_per_token = 0.03

    async def generate(self, request):
        for event in [event async for event in super().generate(request)]:
            yield event


class EndsWhenCancelled(Fault):
    """Turns a cancellation into a normal end."""

    async def generate(self, request):
        try:
            async for event in super().generate(request):
                yield event
        except asyncio.CancelledError:
            return


class LaxSettings(EchoSettings):
    model_config = ConfigDict(extra="ignore")


class Lax(Fault):
    settings = LaxSettings


FAULTS = {fault.__name__: fault for fault in [*Fault.__subclasses__(), AcceptsThenQueues]}


@hookimpl
def jarvis_register_adapters(registry):
    for name, fault in FAULTS.items():

        @asynccontextmanager
        async def open_fault(settings, fault=fault):
            yield fault(settings)

        registry.llm(name, settings=fault.settings, factory=open_fault)
