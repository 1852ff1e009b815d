"""The health service: what it says once it drains."""

from grpc_health.v1 import health_pb2

from jarvis.server.health import NOT_SERVING, SERVING, HealthServicer


async def check(health: HealthServicer, service: str = "") -> int:
    answer = await health.Check(health_pb2.HealthCheckRequest(service=service), None)  # type: ignore[arg-type]
    return answer.status


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
