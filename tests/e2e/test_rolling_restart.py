"""Two servers are restarted one after the other, under callers who watch their health and lose nothing."""

import asyncio
import json
import socket
from contextlib import AsyncExitStack

import grpc
import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import generation_pb2_grpc

CALLERS = 16
WORDS = " ".join(f"word{number}" for number in range(30))
BALANCED = {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}}
"""https://grpc.io/docs/guides/health-checking/#enabling-client-health-checking"""


@pytest.fixture
def addresses():
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in (one, other)]


async def test_a_rolling_restart_loses_no_request_and_no_token(start, addresses):
    def serve(address):
        return start(
            f'server.listen=["{address}"]',
            "server.drain_delay_seconds=0.5",
            "models.echo.settings.tokens_per_second=200",
        )

    answers, stop = [], asyncio.Event()

    async def ask(stub):
        sampling = pb.SamplingParams(max_tokens=30)
        while not stop.is_set():
            request = pb.GenerateStreamRequest(prompt=WORDS, sampling=sampling)
            answers.append("".join([event.delta.text async for event in stub.GenerateStream(request)]))

    options = [("grpc.service_config", json.dumps(BALANCED))]
    target = f"ipv4:{','.join(addresses)}"

    async def takes_calls(server):
        """Wait as a rollout does, until a new server is ready."""
        async with asyncio.timeout(20):
            while not server.application.requests.active:
                await asyncio.sleep(0.02)

    async with AsyncExitStack() as first, AsyncExitStack() as second:
        stacks = dict(zip(addresses, (first, second), strict=True))
        for address, stack in stacks.items():
            await stack.enter_async_context(serve(address))
        async with grpc.aio.insecure_channel(target, options) as channel, asyncio.TaskGroup() as callers:
            stub = generation_pb2_grpc.GenerationServiceStub(channel)
            for _ in range(CALLERS):
                callers.create_task(ask(stub))
            for address, stack in stacks.items():
                await asyncio.sleep(0.5)
                before = len(answers)
                await stack.aclose()
                assert len(answers) > before, "the other one answers meanwhile"
                await takes_calls(await stack.enter_async_context(serve(address)))
            stop.set()
    assert len(answers) > 4 * CALLERS
    assert set(answers) == {WORDS}
