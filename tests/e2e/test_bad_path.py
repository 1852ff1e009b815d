"""A call whose path is not UTF-8: gRPC stops listening for good, and the server listens again."""

import asyncio
import gc
import logging

import pytest

from jarvis.v1 import generation_pb2 as pb
from tests.fuzz.bare import GOAWAY, HEADERS, RST_STREAM, call, end

BAD = [(":method", "POST"), (":scheme", "http"), (":path", "/\xff"), (":authority", "a"), ("te", "trailers")]
TYPE = ("content-type", "application/grpc")


@pytest.mark.parametrize("listen", ["127.0.0.1:0", "unix:{folder}/s"], ids=["port", "socket"])
async def test_a_path_that_is_no_text_ends_no_call_and_keeps_nobody_out(
    start, connect, tmp_path, caplog, listen
):
    sets = [
        f'server.listen=["{listen.format(folder=tmp_path)}"]',
        "models.echo.settings.tokens_per_second=20",
    ]
    async with start(*sets) as server:
        (address,) = server.instance.addresses
        running = asyncio.ensure_future(server.generation.Generate(pb.GenerateRequest(prompt="a " * 20)))
        await asyncio.sleep(0.1)
        for _ in range(3):
            assert await end(address, call([*BAD, TYPE])) in {HEADERS, RST_STREAM, GOAWAY, None}
            await asyncio.sleep(0.3)
            async with connect(address) as other:
                answer = await other.generation.Generate(pb.GenerateRequest(prompt="b"), timeout=5)
                assert answer.choices[0].text == "b"
        assert (await running).choices[0].text == "a " * 20
        again = await server.generation.Generate(
            pb.GenerateRequest(prompt="c"), wait_for_ready=True, timeout=5
        )
        assert again.choices[0].text == "c"
    gc.collect()
    await asyncio.sleep(0)
    assert await server.run == 0
    assert {record.levelno for record in caplog.records if record.levelno > logging.INFO} == {logging.WARNING}
    assert all(record.exc_info is None for record in caplog.records)
