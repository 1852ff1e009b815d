"""Engines that hang, servers that are stopped as they start, and starts that cannot succeed."""

import asyncio
import signal

import grpc
import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2
from tests.engine.support import START, read, with_engine

pytestmark = pytest.mark.engine
ENDLESS = pb.GenerateStreamRequest(
    prompt="Once", sampling=pb.SamplingParams(ignore_eos=True, max_tokens=2000)
)


@pytest.fixture
def outcome(rest):
    async def code(call):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await asyncio.wait_for(rest(call), 30)
        return caught.value.code().name

    return code


async def test_an_engine_that_hangs_is_restarted_where_that_is_wanted_and_does_not_hold_up_a_stop(
    serve, connect, tiny, tmp_path, still_there, failure, outcome
):
    sets = [
        "models.tiny.on_engine_death=restart",
        "models.tiny.settings.hang_seconds=5",
        "server.drain_timeout_seconds=2",
    ]
    async with serve(tmp_path, *tiny, *sets) as server:
        async with connect(server.address) as peer:
            await peer.serving(START)
            core = server.core()
            call = peer.generation.GenerateStream(ENDLESS)
            await call.read()
            core.send_signal(signal.SIGSTOP)
            assert await outcome(call) == "UNAVAILABLE"
            async with asyncio.timeout(20):
                while await peer.check() != "NOT_SERVING":
                    await asyncio.sleep(0.1)
            short = pb.GenerateRequest(prompt="Once", sampling=pb.SamplingParams(max_tokens=3))
            code, reason, _, retry = await failure(peer.generation.Generate(short))
            assert (code, reason) in {("UNAVAILABLE", "ENGINE_DEAD"), ("UNAVAILABLE", "MODEL_LOADING")}
            assert retry >= 1

            await peer.serving(START)
            (model,) = (await peer.server.GetStatus(server_pb2.GetStatusRequest())).models
            assert model.restarts == 1
            assert (await peer.generation.Generate(short)).choices
            assert "gave no answer for 5 s: it hung, and was killed" in server.log.read_text()

            processes, worker = server.ps.children(recursive=True), server.worker()
            call = peer.generation.GenerateStream(ENDLESS)
            await call.read()
            worker.send_signal(signal.SIGSTOP)
            server.terminate()
            assert await outcome(call) == "UNAVAILABLE"
        assert await server.exit_code(within=30) == 0
        assert read(server.log)[-1]["message"] == "stopped"
        assert still_there(processes) == []


async def test_a_server_that_is_told_twice_to_stop_while_it_loads_leaves_nothing(
    serve, tiny, tmp_path, still_there
):
    async with serve(tmp_path, *tiny) as server:
        processes = await with_engine(server)
        server.terminate()
        await asyncio.sleep(0.7)
        server.terminate()

        assert await server.exit_code() == 1
        assert still_there(processes) == []
        assert "Traceback" not in server.log.read_text()


async def test_too_little_memory_is_told_after_the_last_step_down(serve, tiny, tmp_path):
    sets = [
        "log.level=warning",
        "models.tiny.settings.profile=baseline",
        f"models.tiny.settings.engine_args.kv_cache_memory_bytes={2**50}",
    ]
    async with serve(tmp_path, *tiny, *sets) as server:
        assert await server.exit_code(START) == 1

    lines = read(server.log)
    assert {line["level"] for line in lines} == {"WARNING", "ERROR"}
    step = "starting again: max_num_batched_tokens was lowered from the engine's default to 4096"
    assert any(step in line["message"] for line in lines)
    theirs = [line["exception"] for line in lines if "pid" in line and "exception" in line]
    assert any("is less than requested memory for kv" in exception for exception in theirs)
    assert "is less than requested memory for kv" in lines[-1]["message"]
    assert lines[-1]["level"] == "ERROR"
