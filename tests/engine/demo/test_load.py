"""Many callers, callers that leave, and callers that send nonsense."""

import asyncio

import grpc
import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2

pytestmark = pytest.mark.engine
S = pb.SamplingParams
SLOTS = 64


def endless(position=0):
    """A request that fills a slot of the engine for minutes."""
    return pb.GenerateStreamRequest(prompt=f"Story {position}:", sampling=S(ignore_eos=True, max_tokens=8000))


async def fill(peer):
    """Occupy every slot of the engine, and one place in its queue: whose that is, nobody knows."""
    calls = [peer.generation.GenerateStream(endless(n)) for n in range(SLOTS + 1)]
    reads = [asyncio.create_task(call.read()) for call in calls]
    for read in reads:
        read.add_done_callback(lambda read: read.cancelled() or read.exception())
    while sum(read.done() for read in reads) < SLOTS:
        await asyncio.sleep(0.05)
    return calls


async def active(engine):
    return (await engine.server.GetStatus(server_pb2.GetStatusRequest())).active_requests


async def slot_is_free(engine):
    """One more request does not wait for a slot: the engine itself says how long it queued."""
    request = pb.GenerateRequest(prompt="Hi", sampling=S(max_tokens=1))
    answer = await engine.generation.Generate(request, timeout=60)
    assert answer.timings.queue_seconds < 10
    assert await active(engine) == 0


async def test_cancelling_frees_the_engine(engine):
    for call in await fill(engine):
        call.cancel()

    await asyncio.sleep(0.5)
    await slot_is_free(engine)


async def test_hanging_up_frees_the_engine(engine, connect):
    async with connect(engine.process.address) as other:
        await fill(other)
        assert await active(engine) == SLOTS + 1

    await asyncio.sleep(0.5)
    await slot_is_free(engine)


async def test_a_deadline_frees_the_engine(engine):
    async def until_its_deadline(position):
        events = 0
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for _ in engine.generation.GenerateStream(endless(position), timeout=10):
                events += 1
        return caught.value.code(), events

    ended = await asyncio.gather(*map(until_its_deadline, range(SLOTS + 1)))
    assert {code for code, _ in ended} == {grpc.StatusCode.DEADLINE_EXCEEDED}
    assert any(events for _, events in ended), "none had begun"
    await asyncio.sleep(0.5)
    await slot_is_free(engine)


async def test_abort_frees_the_engine(engine, rest):
    call = engine.generation.GenerateStream(endless(), metadata=(("x-request-id", "to-abort"),))
    await call.read()
    await engine.server.Abort(server_pb2.AbortRequest(request_id="to-abort"))

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await rest(call)
    assert caught.value.code() is grpc.StatusCode.ABORTED
    await slot_is_free(engine)


@pytest.mark.timeout(300)
async def test_a_hundred_streams_at_once(engine):
    async def one(position):
        request = pb.GenerateStreamRequest(
            prompt=f"Number {position} is",
            sampling=S(max_tokens=16, ignore_eos=True),
            return_token_ids=True,
        )
        events = [event async for event in engine.generation.GenerateStream(request)]
        sizes = [len(event.delta.token_ids) for event in events if event.HasField("delta")]
        assert sum(sizes) == 16
        assert events[0].WhichOneof("event") == "started"
        assert events[-1].finished.usage.completion_tokens == 16
        return len(sizes)

    deltas = await asyncio.gather(*map(one, range(100)))
    assert sum(deltas) > 2 * 100, "most answers came whole"  # what a busy server has not sent yet goes as one
    assert await active(engine) == 0
