"""A plugin of adapters whose streams, tasks or threads each break the port's contract in one way."""

import asyncio
import os
import subprocess
import threading
import time
from contextlib import asynccontextmanager
from dataclasses import replace

from jarvis_adapters.echo.adapter import Echo, EchoSettings
from jarvis_plugins import hookimpl
from jarvis_ports.llm import Delta, Finish


class Fault(Echo):
    settings = EchoSettings


class SlowHealth(Fault):
    async def health(self):
        await asyncio.sleep(8)
        return await super().health()


class BlocksInHealth(Fault):
    async def health(self):
        time.sleep(2.5)  # noqa: ASYNC251 - the fault
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


class Pumps(Fault):
    """Goes on in a task of its own, which nobody ends if the stream is closed."""

    async def generate(self, request):
        queue = asyncio.Queue(1)
        self.pump = asyncio.create_task(self.run(request, queue))
        event = None
        while not isinstance(event, Finish):
            event = await queue.get()
            if isinstance(event, Exception):
                raise event
            yield event

    async def run(self, request, queue):
        try:
            async for event in super().generate(request):
                await queue.put(event)
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader gets it
            await queue.put(error)


class TaskPerRequest(Fault):
    def __init__(self, settings):
        super().__init__(settings)
        self.kept = []

    async def generate(self, request):
        self.kept.append(self.keep())
        async for event in super().generate(request):
            yield event

    def keep(self):
        return asyncio.create_task(asyncio.sleep(1000))


class ThreadPerRequest(TaskPerRequest):
    def keep(self):
        threading.Thread(target=time.sleep, args=[1000], daemon=True).start()


class DescriptorPerRequest(TaskPerRequest):
    def keep(self):
        return os.open(os.devnull, os.O_RDONLY)


class ProcessPerRequest(TaskPerRequest):
    def keep(self):
        return subprocess.Popen(["sleep", "20"]) if len(self.kept) < 10 else None


class WatchesOn(Fault):
    """Leaves a task behind when it is closed."""

    def __init__(self, settings):
        super().__init__(settings)
        self.watch = asyncio.create_task(asyncio.sleep(1000))


class Blocks(Fault):
    """Makes each token in the event loop."""

    async def generate(self, request):
        async for event in super().generate(request):
            time.sleep(0.01)  # noqa: ASYNC251 - the fault
            yield event


class Hangs(Fault):
    """Never comes back, and lets nobody else."""

    async def generate(self, request):
        time.sleep(60)  # noqa: ASYNC251 - the fault
        async for event in super().generate(request):
            yield event


class TakesMessagesAway(Fault):
    async def generate(self, request):
        async for event in super().generate(request):
            yield event
        if isinstance(request.input, list):
            request.input.clear()


KEEPERS = TaskPerRequest.__subclasses__()
FAULTS = {fault.__name__: fault for fault in [*Fault.__subclasses__(), *KEEPERS, AcceptsThenQueues]}


@hookimpl
def jarvis_register_adapters(registry):
    for name, fault in FAULTS.items():

        @asynccontextmanager
        async def open_fault(settings, fault=fault):
            yield fault(settings)

        registry.llm(name, settings=fault.settings, factory=open_fault)
