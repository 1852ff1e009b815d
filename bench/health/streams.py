"""The load: streams of long answers, one after another on each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc

from bench.health.callers import calling
from jarvis.v1.generation_pb2 import GenerateStreamRequest, SamplingParams
from jarvis.v1.generation_pb2_grpc import GenerationServiceStub

PROMPT = "Tell a long story about a lighthouse."


@dataclass(slots=True)
class Load:
    """The messages that all streams have had, and how many of the streams have had one."""

    messages: int = 0
    begun: int = 0


@asynccontextmanager
async def streaming(address: str, streams: int, tokens: int) -> AsyncIterator[Load]:
    """Keep so many streams running, each answer of so many tokens; each has begun when the block does.

    Raises:
        RuntimeError: one failed, so that fewer ran than were to.
    """
    async with grpc.aio.insecure_channel(address) as channel:
        load = Load()
        stub = GenerationServiceStub(channel)
        async with calling(_stream(stub, tokens, load) for _ in range(streams)) as check:
            while load.begun < streams:
                await asyncio.sleep(0.1)
                check()
            yield load


async def _stream(stub: GenerationServiceStub, tokens: int, load: Load) -> None:
    sampling = SamplingParams(max_tokens=tokens, ignore_eos=True)
    begun = False
    while True:
        async for event in stub.GenerateStream(GenerateStreamRequest(prompt=PROMPT, sampling=sampling)):
            if event.HasField("delta"):
                load.messages += 1
                load.begun += not begun
                begun = True
