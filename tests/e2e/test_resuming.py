"""Streams whose connections are cut, and that are taken up again."""

import asyncio
import os

import grpc
import pytest

from jarvis.client import JarvisClient, JarvisClientError
from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2
from tests.cuts import cut_at_random
from tests.proxy import Proxy

SEED = int(os.environ.get("RESUME_SEED", "1"))
WORDS = " ".join(f"word{number}" for number in range(40))
UNCUT = {"max_tokens": 120, "ignore_eos": True}


@pytest.fixture
async def server(start):
    async with start("models.echo.settings.tokens_per_second=400", "models.echo.max_running=2") as running:
        yield running


@pytest.fixture
async def proxied(server):
    """A client behind a proxy, and the proxy."""
    proxy = Proxy(server.instance.addresses[0])
    async with proxy.running() as address, JarvisClient(address) as client:
        yield client, proxy


async def test_no_token_is_lost_or_repeated(server):
    await cut_at_random(server.instance.addresses[0], WORDS, UNCUT, 15, SEED)


@pytest.mark.long
async def test_no_token_is_lost_or_repeated_over_many_cuts(server):
    await cut_at_random(server.instance.addresses[0], WORDS, UNCUT, 200, SEED)


async def test_a_stream_that_nobody_takes_up_gives_its_place_back(start):
    async with start("server.resume_seconds=0.5", "models.echo.settings.tokens_per_second=50") as server:
        request = pb.GenerateStreamRequest(
            prompt="a", resumable=True, sampling=pb.SamplingParams(max_tokens=4000, ignore_eos=True)
        )
        call = server.generation.GenerateStream(request)
        await call.read()
        call.cancel()
        await asyncio.sleep(0.2)
        assert server.application.requests.active == 1, "it goes on meanwhile"
        async with asyncio.timeout(5):
            while server.application.requests.active:
                await asyncio.sleep(0.05)


async def test_whoever_leaves_the_client_s_stream_ends_it(server):
    async with JarvisClient(server.instance.addresses[0]) as client:
        events = client.stream("a", resumable=True, max_tokens=4000, ignore_eos=True)
        await anext(events)
        await events.aclose()
        async with asyncio.timeout(2):
            while server.application.requests.active:
                await asyncio.sleep(0.02)


async def resume(server, request_id, after=0, metadata=()):
    request = pb.ResumeStreamRequest(request_id=request_id, after=after)
    return [response.event async for response in server.generation.ResumeStream(request, metadata=metadata)]


async def begun(server, request_id="r-1", **sampling):
    request = pb.GenerateStreamRequest(
        prompt="a b c", resumable=True, sampling=pb.SamplingParams(max_tokens=3, **sampling)
    )
    call = server.generation.GenerateStream(request, metadata=(("x-request-id", request_id),))
    return [event async for event in call]


async def test_what_has_ended_is_told_again(server, failure):
    events = await begun(server)
    assert [event.sequence for event in events] == list(range(1, len(events) + 1))
    assert await resume(server, "r-1") == events
    assert await resume(server, "r-1", after=2) == events[2:]
    assert await resume(server, "r-1", after=len(events)) == []
    assert await begun(server) == events, "the same request under the same id is the same stream"
    assert (await failure(resume(server, "r-1", after=99)))[:2] == ("OUT_OF_RANGE", "EVENTS_LOST")
    assert (await failure(resume(server, "r-2")))[:2] == ("NOT_FOUND", "REQUEST_NOT_FOUND")
    assert (await failure(begun(server, temperature=0.5)))[:2] == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")


async def test_a_failure_is_told_to_who_takes_it_up_and_is_begun_anew(server, failure):
    bad = pb.GenerateStreamRequest(prompt="a", model="none", resumable=True)
    for _ in range(2):
        call = server.generation.GenerateStream(bad, metadata=(("x-request-id", "bad"),))
        assert (await failure(call.read()))[:2] == ("NOT_FOUND", "MODEL_NOT_FOUND")
    assert (await failure(resume(server, "bad")))[:2] == ("NOT_FOUND", "MODEL_NOT_FOUND")


async def test_an_abort_ends_it_for_who_reads(server, failure):
    request = pb.GenerateStreamRequest(
        prompt="a", resumable=True, sampling=pb.SamplingParams(max_tokens=4000, ignore_eos=True)
    )
    call = server.generation.GenerateStream(request, metadata=(("x-request-id", "r-9"),))
    await call.read()
    await server.server.Abort(server_pb2.AbortRequest(request_id="r-9"))

    async def rest():
        while await call.read() is not grpc.aio.EOF:
            pass

    assert (await failure(rest()))[:2] == ("ABORTED", "REQUEST_ABORTED")


async def test_only_the_newest_reader_goes_on(server, failure):
    request = pb.GenerateStreamRequest(
        prompt="a", resumable=True, sampling=pb.SamplingParams(max_tokens=200, ignore_eos=True)
    )
    call = server.generation.GenerateStream(request, metadata=(("x-request-id", "r-3"),))
    await call.read()
    again = asyncio.create_task(resume(server, "r-3"))

    async def rest():
        while await call.read() is not grpc.aio.EOF:
            pass

    assert (await failure(rest()))[:2] == ("ABORTED", "REQUEST_ABORTED")
    assert (await again)[-1].HasField("finished")


async def test_streams_are_their_callers_own(start, tmp_path, failure):
    from jarvis.access import keys  # noqa: PLC0415 - of this test alone
    from jarvis.core.principal import Role  # noqa: PLC0415 - as above

    file = tmp_path / "keys.json"
    shown = [keys.add(file, caller, [Role.INFER], None)[1] for caller in ("a", "b")]
    mine, others = ((("authorization", f"Bearer {key}"), ("x-request-id", "r")) for key in shown)
    async with start(f'auth.keys="{file}"') as server:
        call = server.generation.GenerateStream(
            pb.GenerateStreamRequest(prompt="a", resumable=True), metadata=mine
        )
        events = [event async for event in call]
        assert (await failure(resume(server, "r", metadata=others)))[:2] == ("NOT_FOUND", "REQUEST_NOT_FOUND")
        assert await resume(server, "r", metadata=mine) == events


async def test_a_server_that_keeps_nothing_says_so(start, failure):
    async with start("server.resume_seconds=0") as server:
        assert (await failure(begun(server)))[:2] == ("UNIMPLEMENTED", "NOT_CONFIGURED")


async def test_an_answer_with_a_key_is_generated_once(server, proxied, failure):
    client, proxy = proxied
    options = {"max_tokens": 200, "ignore_eos": True, "idempotency_key": "k"}
    first = asyncio.create_task(client.generate("a b", **options))
    await asyncio.sleep(0.15)
    proxy.cut()
    answers = await asyncio.gather(first, client.generate("a b", **options))
    assert answers[0] == answers[1]
    (used,) = await client.usage()
    assert used.requests == 1
    with pytest.raises(JarvisClientError, match="'idempotency-key k' stands for another request"):
        await client.generate("c", idempotency_key="k")
