"""Two servers that are restarted one after the other, under callers who watch their health."""

import asyncio
import json
import socket
from contextlib import AsyncExitStack

import grpc

from jarvis.v1 import generation_pb2_grpc, server_pb2

BALANCED = {"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": ""}}
"""https://grpc.io/docs/guides/health-checking/#enabling-client-health-checking"""
OPTIONS = [
    ("grpc.service_config", json.dumps(BALANCED)),
    ("grpc.max_reconnect_backoff_ms", 1000),  # by default, up to two minutes after a server is back
]


def two_addresses():
    """Return two addresses on which nothing listens."""
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{each.getsockname()[1]}" for each in (one, other)]


async def restart_in_turn(addresses, serve, ask, callers, within=20):
    """Restart each server while callers go on asking both, and return what these were answered.

    Args:
        addresses: the addresses of the servers.
        serve: returns a context that runs a server on an address, and yields a `Peer` of it when it is ready.
        ask: called by each caller, again and again, with a stub of both servers.
        callers: how many there are.
        within: seconds in which a server that has been started again takes calls.
    """
    answers, stop = [], asyncio.Event()

    async def go_on(stub):
        while not stop.is_set():
            answers.append(await ask(stub))

    async def takes_calls(peer):
        """Wait as a rollout does, until a new server has calls."""
        async with asyncio.timeout(within):
            while not (await peer.server.GetStatus(server_pb2.GetStatusRequest())).active_requests:
                await asyncio.sleep(0.02)

    async with AsyncExitStack() as first, AsyncExitStack() as second:
        stacks = dict(zip(addresses, (first, second), strict=True))
        for address, stack in stacks.items():
            await stack.enter_async_context(serve(address))
        target = f"ipv4:{','.join(addresses)}"
        async with grpc.aio.insecure_channel(target, OPTIONS) as channel, asyncio.TaskGroup() as group:
            stub = generation_pb2_grpc.GenerationServiceStub(channel)
            for _ in range(callers):
                group.create_task(go_on(stub))
            for address, stack in stacks.items():
                await asyncio.sleep(0.5)
                before = len(answers)
                await stack.aclose()
                assert len(answers) > before, "the other one answers meanwhile"
                await takes_calls(await stack.enter_async_context(serve(address)))
            stop.set()
    return answers
