"""The load: concurrent streams that each receive one long answer after another."""

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
    """The number of messages that all streams received, and of streams that received one."""

    messages: int = 0
    begun: int = 0


@asynccontextmanager
async def streaming(address: str, streams: int, tokens: int) -> AsyncIterator[Load]:
    """Keep this many streams running, with answers of this many tokens; all have begun when the block does.

    Raises:
        RuntimeError: a stream failed, so that too few were running.
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
