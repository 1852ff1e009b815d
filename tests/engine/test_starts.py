"""Servers that are stopped as they start, and what serves before all has started."""

import asyncio

import pytest

from jarvis.v1 import generation_pb2 as pb
from tests.engine.support import GENERATION, START, with_engine, with_process

pytestmark = pytest.mark.engine


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


async def test_the_server_serves_as_soon_as_one_model_of_the_route_does(
    serve, connect, tiny, tmp_path, still_there
):
    quick = ["models.quick.adapter=echo", "models.quick.priority=1"]
    async with serve(tmp_path, *tiny, *quick) as server, connect(server.address) as peer:
        await peer.serving(START)
        assert await peer.check(f"{GENERATION}/tiny") == "NOT_SERVING"
        assert await peer.check(f"{GENERATION}/quick") == "SERVING"
        answer = await peer.generation.Generate(pb.GenerateRequest(prompt="Once"))
        assert answer.model == "quick"
        assert answer.routing.skipped == [pb.SkippedModel(model="tiny", reason="MODEL_LOADING")]

        processes = await with_process(server)  # earlier than above: it has not yet tied itself to the server
        server.terminate()
        assert await server.exit_code() == 0
        assert still_there(processes) == []
        assert "Traceback" not in server.log.read_text()
