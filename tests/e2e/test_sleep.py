"""Models sleep and wake, and callers, probes and operators are told."""

import asyncio

import pytest

from jarvis.client import JarvisClient
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2
from tests.e2e.test_routes import SERVICE, TWO, ask, skipped

SLEEPING, READY = server_pb2.STATE_SLEEPING, server_pb2.STATE_READY
SERVING, NOT_SERVING = "SERVING", "NOT_SERVING"


def sleep(server, name):
    return server.server.SleepModel(server_pb2.SleepModelRequest(name=name))


def wake(server, name):
    return server.server.WakeModel(server_pb2.WakeModelRequest(name=name))


async def model(server, name):
    status = await server.server.GetStatus(server_pb2.GetStatusRequest())
    return next(one for one in status.models if one.name == name)


async def becomes(server, service, status):
    async with asyncio.timeout(5):
        while await server.check(service) != status:
            await asyncio.sleep(0.01)


async def test_a_model_sleeps_while_another_answers_for_it(start, failure):
    async with start(*TWO) as server:
        assert (await sleep(server, "small")).ended_requests == 0
        await becomes(server, f"{SERVICE}/small", NOT_SERVING)
        assert [await server.check(name) for name in ("", SERVICE, f"{SERVICE}/large")] == [SERVING] * 3
        one = await model(server, "small")
        assert (one.state, one.message) == (SLEEPING, "was put to sleep, and sleeps until somebody wakes it")
        instead = await server.generation.Generate(ask(0))
        assert (instead.model, skipped(instead.routing)) == ("large", [("small", "MODEL_ASLEEP")])
        code, reason, _, retry = await failure(server.generation.Generate(ask(0, "small")))
        assert (code, reason, retry) == ("UNAVAILABLE", "MODEL_ASLEEP", 30)

        await wake(server, "small")
        await becomes(server, f"{SERVICE}/small", SERVING)
        assert (await server.generation.Generate(ask(0))).model == "small"


async def test_a_server_whose_only_model_sleeps_is_not_ready(start):
    async with start() as server:
        await sleep(server, "echo")
        await becomes(server, "", NOT_SERVING)
        status = await server.server.GetStatus(server_pb2.GetStatusRequest())
        assert (status.state, status.health) == (SLEEPING, server_pb2.HEALTH_DEGRADED)
        await wake(server, "echo")
        await becomes(server, "", SERVING)


async def test_an_idle_model_serves_when_it_has_loaded(start, failure):
    load = ["models.echo.settings.load_seconds=0.2", "models.echo.idle_unload_seconds=0.3"]
    async with start(*load) as server:
        async with asyncio.timeout(10):
            while (await model(server, "echo")).state != SLEEPING:
                await asyncio.sleep(0.05)
        assert await server.check(f"{SERVICE}/echo") == SERVING, "or nobody would send what wakes it"
        status = await server.server.GetStatus(server_pb2.GetStatusRequest())
        assert (status.state, status.health) == (READY, server_pb2.HEALTH_HEALTHY)
        assert not server.application.components.one("llm").loaded

        code, reason, _, retry = await failure(server.generation.Generate(pb.GenerateRequest(prompt="a b")))
        assert (code, reason) == ("UNAVAILABLE", "MODEL_LOADING")
        await asyncio.sleep(retry)
        async with asyncio.timeout(5):
            while (await model(server, "echo")).state != READY:
                await asyncio.sleep(0.01)


async def test_a_client_that_obeys_does_not_notice_that_a_model_was_idle(start):
    load = ["models.echo.settings.load_seconds=0.2", "models.echo.idle_unload_seconds=3"]
    async with start(*load) as server:
        async with asyncio.timeout(10):
            while (await model(server, "echo")).state != SLEEPING:
                await asyncio.sleep(0.05)
        async with JarvisClient(server.instance.addresses[0]) as client:
            assert (await client.generate("a b", timeout=30)).text == "a b"


@pytest.mark.parametrize("call", [sleep, wake])
async def test_a_model_that_does_not_exist(start, failure, call):
    async with start() as server:
        code, reason, *_ = await failure(call(server, "eccho"))
        assert (code, reason) == ("NOT_FOUND", "COMPONENT_NOT_FOUND")
