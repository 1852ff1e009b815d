"""A call whose path is not UTF-8: it would end the loop in which gRPC takes calls."""

import asyncio
import logging

import grpc
import pytest

from jarvis.v1 import generation_pb2 as pb
from tests.fuzz.bare import HEADERS, call, end

BAD = [(":method", "POST"), (":scheme", "http"), (":path", "/\xff"), (":authority", "a"), ("te", "trailers")]
TYPE = ("content-type", "application/grpc")


async def test_a_path_that_is_no_text_is_unknown_and_nobody_notices(start, connect, caplog):
    async with start("models.echo.settings.tokens_per_second=20") as server:
        (address,) = server.instance.addresses
        running = asyncio.ensure_future(server.generation.Generate(pb.GenerateRequest(prompt="a " * 20)))
        await asyncio.sleep(0.1)
        for _ in range(20):
            assert await asyncio.wait_for(end(address, call([*BAD, TYPE])), 5) == HEADERS
            async with connect(address) as other:
                answer = await other.generation.Generate(pb.GenerateRequest(prompt="b"), timeout=5)
                assert answer.choices[0].text == "b"
        assert (await running).choices[0].text == "a " * 20
    assert await server.run == 0
    assert [record for record in caplog.records if record.levelno > logging.INFO] == []


async def test_a_method_that_is_unknown_is_unimplemented(start):
    async with start() as server:
        for path in ("/jarvis.v1.GenerationService/Nothing", "/a/b", "/"):
            with pytest.raises(grpc.aio.AioRpcError, match="UNIMPLEMENTED"):
                await server.channel.unary_unary(path)(b"", timeout=5)
