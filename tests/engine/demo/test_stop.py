"""The end of the server that these tests share."""

import signal

import pytest

from jarvis.v1 import generation_pb2 as pb
from tests.engine.support import read

pytestmark = [pytest.mark.engine, pytest.mark.last]


async def test_an_engine_that_hangs_does_not_hold_up_a_stop(engine, still_there, outcome):
    server = engine.process
    processes, worker = server.ps.children(recursive=True), server.worker()
    sampling = pb.SamplingParams(ignore_eos=True, max_tokens=2000)
    call = engine.generation.GenerateStream(pb.GenerateStreamRequest(prompt="Once", sampling=sampling))
    await call.read()
    worker.send_signal(signal.SIGSTOP)
    server.terminate()

    assert await outcome(call) == "UNAVAILABLE"
    assert await server.exit_code(within=30) == 0
    assert read(server.log)[-1]["message"] == "stopped"
    assert still_there(processes) == []
