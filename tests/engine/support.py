"""What several tests of the engine use."""

import asyncio
import json

from jarvis.v1 import generation_pb2 as pb

GENERATION = "jarvis.v1.GenerationService"
START = 400
"""Seconds that an engine may take to start."""
TOO_EARLY = "Triton is installed, but doesn't include CPU backend. Disabling Triton."
"""What the CPU build says as the engine's process imports vLLM, before vLLM sets its log up."""
TOKENS = 48
"""Of a seeded answer."""


async def seeded(stub, number, model=""):
    """Stream an answer that the number decides; return the ids of its tokens, and how many were counted."""
    sampling = pb.SamplingParams(max_tokens=TOKENS, ignore_eos=True, temperature=0, seed=number)
    request = pb.GenerateStreamRequest(
        prompt=f"Once upon a time, {number} of them", sampling=sampling, return_token_ids=True, model=model
    )
    ids, counted = [], 0
    async for event in stub.GenerateStream(request):
        ids += event.delta.token_ids
        if event.HasField("finished"):
            counted = event.finished.usage.completion_tokens
    return tuple(ids), counted


def read(log):
    """Return the records of a log in JSON, whose last line may still be on its way."""
    return [json.loads(line) for line in log.read_text().split("\n")[:-1] if line != TOO_EARLY]


async def with_engine(server):
    """Wait until an engine's process has imported vLLM; return what the server has started."""
    return await _with(server, server.engines)


async def with_process(server):
    """Wait until an engine's process has begun; return what the server has started."""
    return await _with(server, lambda: server.titled("spawn_main"))


async def _with(server, there):
    async with asyncio.timeout(START):
        while not there():
            await asyncio.sleep(0.1)
    return server.ps.children(recursive=True)
