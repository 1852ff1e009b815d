"""A plugin of adapters for the `LLM` port that each leave something behind, or hold something up."""

import asyncio
import os
import subprocess
import threading
import time
from contextlib import asynccontextmanager

from jarvis_adapters.echo.adapter import Echo, EchoSettings
from jarvis_plugins import hookimpl
from jarvis_ports.llm import Finish


class Fault(Echo):
    """The plain fault is none."""


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


FAULTS = {fault.__name__: fault for fault in [*Fault.__subclasses__(), *TaskPerRequest.__subclasses__()]}


@hookimpl
def jarvis_register_adapters(registry):
    for name, fault in FAULTS.items():

        @asynccontextmanager
        async def open_fault(settings, fault=fault):
            yield fault(settings)

        registry.llm(name, settings=EchoSettings, factory=open_fault)
