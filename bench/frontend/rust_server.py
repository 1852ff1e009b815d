"""vLLM's own servers with its front end in Rust: over HTTP, as OpenAI's, and over gRPC."""

import uuid
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import grpc

from bench.frontend import openai_server
from bench.frontend.load import Generate, Reply, timed
from bench.frontend.server import free_port, grpc_serving, running
from bench.vllm_serve import command, rust_environment


def start_http(engine: dict[str, Any]) -> AbstractAsyncContextManager[Generate]:
    """Run the server, and call it over HTTP."""
    return openai_server.start(engine, rust_environment())


@asynccontextmanager
async def start_grpc(engine: dict[str, Any]) -> AsyncIterator[Generate]:
    """Run the server, and call it over gRPC, which sends text."""
    pb, services = grpc.protos_and_services("bench/frontend/inference.proto")

    def listening(port: int) -> list[str]:
        return [*command(free_port(), engine), "--grpc-port", str(port)]

    async with (
        running(listening, grpc_serving, rust_environment()) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub = services.InferenceStub(channel)

        async def generate(prompt: str, tokens: int) -> Reply:
            request = pb.GenerateRequest(
                request_id=uuid.uuid4().hex,
                text=prompt,
                temperature=0,
                stopping=pb.StoppingCriteria(max_new_tokens=tokens, ignore_eos=True),
            )
            return await timed(event.outputs.num_tokens async for event in stub.GenerateStream(request))

        yield generate
