"""Engines that die, servers that are killed, and starts that cannot succeed."""

import asyncio
import signal

import grpc
import pytest
from grpc_health.v1 import health_pb2

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

START = 240
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
ENDLESS = pb.GenerateStreamRequest(
    prompt="Once", sampling=pb.SamplingParams(ignore_eos=True, max_tokens=2000)
)


@pytest.fixture
def outcome(rest):
    async def code(call):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(rest(call), 10)
        return caught.value.code().name

    return code


def core(server):
    return next(
        process
        for process in server.engines()
        if "EngineCore" in " ".join([process.name(), *process.cmdline()])
    )


async def test_a_killed_engine_ends_its_streams_and_the_server(
    serve, connect, tiny, tmp_path, still_there, outcome
):
    async with serve(tmp_path, *tiny) as server, connect(server.address) as peer:
        await peer.serving(START)
        watch = peer.health.Watch(health_pb2.HealthCheckRequest(service="jarvis.v1.GenerationService"))
        assert (await watch.read()).status == SERVING
        call = peer.generation.GenerateStream(ENDLESS)
        await call.read()
        processes = server.ps.children(recursive=True)
        core(server).kill()

        assert await outcome(call) == "UNAVAILABLE"
        assert (await watch.read()).status == NOT_SERVING
        assert await server.exit_code() == 1
        assert "died" in server.log.read_text()
        assert still_there(processes) == []


async def test_a_killed_engine_is_restarted_where_that_is_wanted(
    serve, connect, tiny, tmp_path, still_there, outcome
):
    async with serve(tmp_path, *tiny, "models.tiny.on_engine_death=restart") as server:
        async with connect(server.address) as peer:
            await peer.serving(START)
            call = peer.generation.GenerateStream(ENDLESS)
            await call.read()
            core(server).kill()
            assert await outcome(call) == "UNAVAILABLE"
            await asyncio.sleep(1.5)
            assert await peer.check() == "NOT_SERVING"

            await peer.serving(START)
            (model,) = (await peer.server.GetStatus(server_pb2.GetStatusRequest())).models
            assert model.restarts == 1
            short = pb.GenerateRequest(prompt="Once", sampling=pb.SamplingParams(max_tokens=3))
            assert (await peer.generation.Generate(short)).choices

        processes = server.ps.children(recursive=True)
        server.process.kill()
        assert await server.exit_code() == -signal.SIGKILL
        assert still_there(processes) == [], "a killed server leaves its engine behind"


async def test_a_server_that_is_stopped_lets_a_stream_finish(
    serve, connect, tiny, tmp_path, still_there, rest
):
    async with serve(tmp_path, *tiny, "server.drain_delay_seconds=0.2") as server:
        async with connect(server.address) as peer:
            await peer.serving(START)
            call = peer.generation.GenerateStream(ENDLESS)
            await call.read()
            processes = server.ps.children(recursive=True)
            server.terminate()
            events = await rest(call)

            assert events[-1].finished.usage.completion_tokens == 2000
        assert await server.exit_code() == 0
        assert still_there(processes) == []


@pytest.mark.parametrize("signals", [1, 2], ids=["once", "twice"])
async def test_a_server_that_is_stopped_while_it_loads_leaves_nothing(
    serve, tiny, tmp_path, still_there, signals
):
    async with serve(tmp_path, *tiny) as server:
        async with asyncio.timeout(START):
            while not server.engines():
                await asyncio.sleep(0.1)
        processes = server.ps.children(recursive=True)
        for _ in range(signals):
            server.terminate()
            await asyncio.sleep(0.1)

        assert await server.exit_code() == (0 if signals == 1 else 1)
        assert still_there(processes) == []
        assert "Traceback" not in server.log.read_text()


async def test_too_little_memory_is_told_after_the_last_step_down(serve, tiny, tmp_path):
    sets = [
        "models.tiny.settings.profile=baseline",
        f"models.tiny.settings.engine_args.kv_cache_memory_bytes={2**50}",
    ]
    async with serve(tmp_path, *tiny, *sets) as server:
        assert await server.exit_code(START) == 1

    log = server.log.read_text()
    assert "starting again: max_num_batched_tokens was lowered from the engine's default to 4096" in log
    assert "is less than requested memory for kv" in log.splitlines()[-2]
