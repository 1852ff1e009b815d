"""vLLM's own gRPC server, from `smg-grpc-servicer`, which sends token ids and no text."""

import os
import sys
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
from smg_grpc_proto import vllm_engine_pb2, vllm_engine_pb2_grpc  # type: ignore[import-untyped]

from bench.frontend.engine import command_line
from bench.frontend.load import Generate, Reply, timed
from bench.frontend.server import grpc_serving, running

MODULE = "vllm.entrypoints.launchers.grpc_server"


@asynccontextmanager
async def start(engine: dict[str, Any]) -> AsyncIterator[Generate]:
    """Run the server, without the KV events that it would add to the engine's arguments."""
    os.environ["SMG_VLLM_SERVICER_KV_EVENTS"] = "off"

    def command(port: int) -> list[str]:
        listen = ["--host", "127.0.0.1", "--port", str(port)]
        return [sys.executable, "-m", MODULE, *listen, *command_line(engine)]

    async with (
        running(command, grpc_serving) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub = vllm_engine_pb2_grpc.VllmEngineStub(channel)

        async def generate(prompt: str, tokens: int) -> Reply:
            request = vllm_engine_pb2.GenerateRequest(
                request_id=uuid.uuid4().hex,
                text=prompt,
                stream=True,
                sampling_params=vllm_engine_pb2.SamplingParams(
                    temperature=0, max_tokens=tokens, ignore_eos=True
                ),
            )
            # The counts are those of the chunk; `complete`, the other event, repeats the last one.
            return await timed(
                event.chunk.completion_tokens
                async for event in stub.Generate(request)
                if event.HasField("chunk")
            )

        yield generate
