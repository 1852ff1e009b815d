"""The Jarvis server, which sends text over gRPC."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc

from bench.frontend.load import Generate, Reply
from bench.frontend.server import grpc_serving, running
from bench.jarvis_serve import GENERATION_ALONE, command
from jarvis.v1 import generation_pb2, generation_pb2_grpc


@asynccontextmanager
async def serving(*sets: str) -> AsyncIterator[generation_pb2_grpc.GenerationServiceStub]:
    """Run `jarvis serve` without embedder and store; each of `sets` is an argument of `--set`.

    Raises:
        RuntimeError: it did not start, or a call failed; the message has the end of its output.
    """

    async with (
        running(lambda port: command(port, *sets, *GENERATION_ALONE), grpc_serving) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        yield generation_pb2_grpc.GenerationServiceStub(channel)


@asynccontextmanager
async def start(engine: dict[str, Any], *sets: str) -> AsyncIterator[Generate]:
    """Run the server on an engine with these arguments."""
    async with serving(*model_sets(engine), *sets) as stub:
        yield generating(stub)


def model_sets(engine: dict[str, Any]) -> list[str]:
    """Return the settings of a model on an engine with these arguments."""
    return [
        "models.tiny.adapter=vllm",
        f"models.tiny.settings.model={engine['model']}",
        f"models.tiny.settings.dtype={engine['dtype']}",
        f"models.tiny.settings.engine_args.kv_cache_memory_bytes={engine['kv_cache_memory_bytes']}",
    ]


def generating(stub: generation_pb2_grpc.GenerationServiceStub) -> Generate:
    """Return what sends requests to a server."""

    async def generate(prompt: str, tokens: int) -> Reply:
        request = generation_pb2.GenerateStreamRequest(
            prompt=prompt,
            sampling=generation_pb2.SamplingParams(temperature=0, max_tokens=tokens, ignore_eos=True),
        )
        begin = time.perf_counter()
        ttft = 0.0
        received = 0
        async for event in stub.GenerateStream(request):
            if not ttft and event.HasField("delta"):
                ttft = time.perf_counter() - begin
            elif event.HasField("finished"):
                received = event.finished.usage.completion_tokens
        return Reply(ttft, received)

    return generate
