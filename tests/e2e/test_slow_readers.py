"""Callers that do not read their answers, with others beside them who must not notice."""

import asyncio

import grpc
import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import generation_pb2_grpc

WORD = "x" * 100_000
LONG = pb.SamplingParams(max_tokens=400, ignore_eos=True)
"""With an answer of 40 MB, more than what lies between a server and a caller that does not read."""


@pytest.fixture
async def server(start):
    sets = [
        "server.slow_reader_seconds=1",
        "models.echo.max_running=1",
        "models.echo.settings.context_length=100000",
    ]
    async with start(*sets) as running:
        yield running


async def test_an_answer_that_is_not_read_is_ended_and_its_place_is_free(server, failure):
    call = server.generation.GenerateStream(pb.GenerateStreamRequest(prompt=WORD, sampling=LONG))
    await call.read()
    short = pb.GenerateRequest(prompt="a b", sampling=pb.SamplingParams(max_tokens=2))
    beside = await asyncio.wait_for(server.generation.Generate(short), 15)
    assert beside.choices[0].text

    async def rest():
        while await call.read() is not grpc.aio.EOF:
            pass

    assert (await failure(rest()))[:2] == ("ABORTED", "SLOW_READER")


async def test_who_reads_slowly_but_reads_gets_it_all(start):
    sampling = pb.SamplingParams(max_tokens=100, ignore_eos=True)
    # Some MB lie between server and caller, and room for more is told in large steps.
    async with start("server.slow_reader_seconds=10") as running:
        call = running.generation.GenerateStream(pb.GenerateStreamRequest(prompt=WORD, sampling=sampling))
        size = 0
        async for event in call:
            size += len(event.delta.text)
            await asyncio.sleep(0.03)
    assert size >= 100 * len(WORD)


async def test_a_server_stops_beside_a_caller_that_does_not_read(start):
    async with start("server.slow_reader_seconds=60", "server.drain_timeout_seconds=1") as running:
        call = running.generation.GenerateStream(pb.GenerateStreamRequest(prompt=WORD, sampling=LONG))
        await call.read()
        running.instance.stop()
        assert await asyncio.wait_for(running.run, 20) == 0


async def test_a_caller_that_leaves_without_reading_leaves_no_error_in_the_log(server, caplog):
    call = server.generation.GenerateStream(pb.GenerateStreamRequest(prompt=WORD, sampling=LONG))
    await call.read()
    async with asyncio.timeout(15):
        while server.application.requests.active:  # until it is ended
            await asyncio.sleep(0.05)
    call.cancel()
    await asyncio.sleep(0.5)
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


SMALL_WINDOW = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_535))
"""Has little lie between a server and a caller."""


@pytest.mark.parametrize("resumable", [False, True])
async def test_a_stopping_server_waits_for_who_still_reads(start, resumable):
    request = pb.GenerateStreamRequest(
        prompt="x" * 10_000, resumable=resumable, sampling=pb.SamplingParams(max_tokens=90, ignore_eos=True)
    )
    async with start("server.drain_timeout_seconds=30") as running:
        async with grpc.aio.insecure_channel(running.instance.addresses[0], SMALL_WINDOW) as channel:
            call = generation_pb2_grpc.GenerationServiceStub(channel).GenerateStream(request)
            first = await call.read()
            running.instance.stop()
            size = len(first.delta.text)
            while (event := await call.read()) is not grpc.aio.EOF:
                size += len(event.delta.text)
                await asyncio.sleep(0.04)
        assert await asyncio.wait_for(running.run, 20) == 0
    assert size >= 90 * 10_000
