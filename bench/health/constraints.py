"""Callers whose constraints cannot be compiled: each uses all the CPU time allowed, and is refused."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from bench.health.callers import calling
from jarvis.v1.generation_pb2 import GenerateRequest, StructuredOutput
from jarvis.v1.generation_pb2_grpc import GenerationServiceStub

CONSTRAINT = json.dumps({"type": "integer", "multipleOf": 1234567})


@asynccontextmanager
async def refusing(address: str, callers: int) -> AsyncIterator[None]:
    """Keep this many callers asking; each asks again when it was refused.

    Raises:
        RuntimeError: a caller had another answer.
    """
    async with grpc.aio.insecure_channel(address) as channel:
        stub = GenerationServiceStub(channel)
        async with calling(_ask(stub) for _ in range(callers)):
            yield


async def _ask(stub: GenerationServiceStub) -> None:
    request = GenerateRequest(prompt="A number:", structured_output=StructuredOutput(json_schema=CONSTRAINT))
    while True:
        try:
            await stub.Generate(request)
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.INVALID_ARGUMENT:
                raise
        else:
            msg = "a constraint that cannot be compiled was not refused"
            raise RuntimeError(msg)
