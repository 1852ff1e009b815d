"""Probes one target from a process of its own, at a fixed rate, whether or not answers come.

A time is measured from when the probe was due, so that a stall shows in every probe that it delays.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT = 5.0
"""Seconds after which a probe has failed."""

Ask = Callable[[], Awaitable[bool]]
"""Asks once, and returns whether the answer was that all is well."""


@dataclass(frozen=True, slots=True)
class Target:
    """The target of a probe: a path over HTTP, or without one, `grpc.health.v1` Check.

    HTTP probes each open a new connection, as the kubelet does; gRPC probes share one.
    """

    name: str
    address: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Probed:
    """The results of a target's probes: the seconds of each good answer, and the number of other probes."""

    name: str
    seconds: tuple[float, ...]
    failed: int


def probe(target: Target, rate: float, duration: float) -> Probed:
    """Probe `rate` times a second for `duration` seconds."""
    return asyncio.run(_probe(target, rate, duration))


async def _probe(target: Target, rate: float, duration: float) -> Probed:
    async with _http(target) if target.path else _grpc(target) as ask:
        await ask()  # imports and caches
        start = time.perf_counter()
        due = [start + number / rate for number in range(round(rate * duration))]
        found = await asyncio.gather(*(_once(ask, at) for at in due))
    answered = tuple(seconds for seconds in found if seconds is not None)
    return Probed(target.name, answered, len(found) - len(answered))


async def _once(ask: Ask, due: float) -> float | None:
    await asyncio.sleep(due - time.perf_counter())
    try:
        async with asyncio.timeout(TIMEOUT):
            well = await ask()
    except (TimeoutError, OSError, aiohttp.ClientError, grpc.aio.AioRpcError):
        return None
    return time.perf_counter() - due if well else None


@asynccontextmanager
async def _http(target: Target) -> AsyncIterator[Ask]:
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    async with aiohttp.ClientSession(connector=connector) as client:

        async def ask() -> bool:
            async with client.get(f"http://{target.address}{target.path}") as response:
                await response.read()
                return response.status == 200

        yield ask


@asynccontextmanager
async def _grpc(target: Target) -> AsyncIterator[Ask]:
    async with grpc.aio.insecure_channel(target.address) as channel:
        stub = health_pb2_grpc.HealthStub(channel)

        async def ask() -> bool:
            response = await stub.Check(health_pb2.HealthCheckRequest())
            return bool(response.status == health_pb2.HealthCheckResponse.SERVING)

        yield ask
