"""The health service: what it says of names that come and go, and once it drains."""

import asyncio
from types import SimpleNamespace

import pytest
from grpc_health.v1 import health_pb2

from jarvis.server.health import NOT_SERVING, SERVING, UNKNOWN, HealthServicer
from jarvis_ports.errors import ServiceNotFound


async def check(health: HealthServicer, service: str = "") -> int:
    answer = await health.Check(health_pb2.HealthCheckRequest(service=service), None)  # type: ignore[arg-type]
    return answer.status


async def test_a_name_that_comes_and_goes_is_unknown_again_and_its_watchers_are_told() -> None:
    health = HealthServicer(["a"])
    seen: list[int] = []

    async def write(response: health_pb2.HealthCheckResponse) -> None:
        seen.append(response.status)

    request, context = health_pb2.HealthCheckRequest(service="b"), SimpleNamespace(write=write)
    watch = asyncio.create_task(health.Watch(request, context))
    async with asyncio.timeout(5):
        for serving, told in (
            ({}, UNKNOWN),
            ({"b": False}, NOT_SERVING),
            ({"b": True}, SERVING),
            ({}, UNKNOWN),
        ):
            await health.become({"a": True, **serving})
            while seen[-1:] != [told]:
                await asyncio.sleep(0.001)
    watch.cancel()
    with pytest.raises(ServiceNotFound):
        await check(health, "b")
    assert await check(health, "a") == SERVING
    listed = await health.List(health_pb2.HealthListRequest(), None)  # type: ignore[arg-type]
    assert set(listed.statuses) == {"", "a"}


async def test_a_component_that_becomes_ready_during_the_drain_does_not_make_it_serve_again() -> None:
    health = HealthServicer(["a"])
    await health.become({"": True, "a": True})
    assert await check(health) == SERVING

    await health.enter_graceful_shutdown()
    await health.become({"": True, "a": True})

    assert await check(health) == NOT_SERVING
    assert await check(health, "a") == NOT_SERVING
    assert not health.ready
    listed = await health.List(health_pb2.HealthListRequest(), None)  # type: ignore[arg-type]
    assert {one.status for one in listed.statuses.values()} == {NOT_SERVING}
