import asyncio

import grpc
import pytest

from jarvis.client import (
    ChunkSource,
    Citation,
    Delta,
    Finished,
    FinishReason,
    JarvisClient,
    JarvisClientError,
    Retrieval,
    Retrieved,
    Started,
    Timings,
    Usage,
)

SOURCES = Retrieved(
    (
        Citation(1, "c1", "Paris is a city.", 0.5, 0.75, ChunkSource("d", "a.md", 3, 19)),
        Citation(2, "row", "Rome too.", 0.25),
    ),
    left_out=4,
)


async def test_a_stream_is_started_deltas_and_finished(fake):
    async with JarvisClient(fake.address) as client:
        events = [event async for event in client.stream("Capital of France?")]
    assert events == [
        Started("r-1", "echo", 5),
        Delta(0, "Par", (7,)),
        Delta(0, "is.", (7,)),
        Finished(0, FinishReason.STOP, Usage(5, 2, 0), Timings(0.5, 0.0, 0.25), "!"),
    ]


async def test_a_stream_tells_its_sources_and_what_was_cited(fake):
    async with JarvisClient(fake.address) as client:
        events = [event async for event in client.stream("x", retrieval=Retrieval("docs"))]
    assert events[0] == Started("r-1", "echo", 5, SOURCES)
    assert (events[-1].cited, events[-1].cited_unknown) == ((1,), (7,))
    assert events[-1].timings == Timings(0.5, 0.0, 0.25, 0.125)


async def test_an_answer_tells_its_sources_and_what_was_cited(fake):
    async with JarvisClient(fake.address) as client:
        answer = await client.generate("x", retrieval=Retrieval("docs"))
        plain = await client.generate("x")
    assert answer.retrieved == SOURCES
    assert (answer.choices[0].cited, answer.choices[0].cited_unknown) == ((1,), (7,))
    assert plain.retrieved is None
    assert plain.choices[0].cited == ()


async def test_nothing_found_is_not_the_same_as_nothing_asked(fake):
    fake.citations = []
    async with JarvisClient(fake.address) as client:
        events = [event async for event in client.stream("x", retrieval=Retrieval("docs"))]
    assert events[0].retrieved == Retrieved((), 4)


async def test_breaking_out_of_the_loop_cancels_the_request(fake):
    fake.hang_after_text = True
    async with JarvisClient(fake.address) as client:
        async for event in client.stream("x"):
            if isinstance(event, Delta):
                break
        await asyncio.wait_for(fake.cancelled.wait(), 5)


async def test_closing_the_stream_cancels_the_request(fake):
    fake.hang_after_text = True
    async with JarvisClient(fake.address) as client:
        stream = client.stream("x")
        for _ in range(2):
            await anext(stream)
        await stream.aclose()
        await asyncio.wait_for(fake.cancelled.wait(), 5)


async def test_cancelling_the_reading_task_cancels_the_request(fake):
    fake.hang_after_text = True

    async def read(client):
        async for _ in client.stream("x"):
            pass

    async with JarvisClient(fake.address) as client:
        task = asyncio.create_task(read(client))
        await asyncio.wait_for(fake.hanging.wait(), 5)
        task.cancel()
        await asyncio.wait_for(fake.cancelled.wait(), 5)
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_stream_without_all_of_its_finished_raises(fake):
    fake.unfinished = 1
    async with JarvisClient(fake.address) as client:
        stream = client.stream("x", n=2)
        events = [await anext(stream) for _ in range(4)]
        with pytest.raises(JarvisClientError, match="1 of its choices unfinished") as caught:
            await anext(stream)
    assert isinstance(events[-1], Finished)
    assert caught.value.reason == "INCOMPLETE_STREAM"
    assert caught.value.request_id == "r-1"


async def test_the_deadline_ends_a_stream(fake):
    fake.hang_after_text = True
    async with JarvisClient(fake.address) as client:
        with pytest.raises(JarvisClientError) as caught:
            async for _ in client.stream("x", timeout=0.3):
                pass
        assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
        await asyncio.wait_for(fake.cancelled.wait(), 5)


async def test_the_clients_own_timeout_holds_where_the_call_names_none(fake):
    fake.hang_after_text = True
    async with JarvisClient(fake.address, timeout=0.3) as client:
        with pytest.raises(JarvisClientError) as caught:
            async for _ in client.stream("x"):
                pass
    assert caught.value.code is grpc.StatusCode.DEADLINE_EXCEEDED
