"""Requests are counted, ended on demand, and drained."""

import asyncio
from contextlib import suppress

import pytest

from jarvis.core.lifecycle.requests import Requests
from jarvis_ports.errors import Draining, RequestAborted, RequestNotFound


async def work(requests, seconds=10, request_id="r"):
    with requests.track(request_id):
        await asyncio.sleep(seconds)


async def begun(coroutine):
    task = asyncio.create_task(coroutine)
    await asyncio.sleep(0)
    return task


async def test_they_are_counted():
    requests = Requests()
    one, two = await begun(work(requests)), await begun(work(requests))

    assert requests.active == 2
    one.cancel()
    two.cancel()
    await asyncio.wait([one, two])
    assert requests.active == 0


async def test_who_only_reads_is_waited_for_and_is_no_request():
    requests = Requests()
    reader = await begun(work(requests, seconds=0.05, request_id=""))
    assert requests.active == 0
    with pytest.raises(RequestNotFound):
        requests.abort("")
    assert await requests.close(within=5) == 0
    assert reader.done()


async def test_one_that_does_not_leave_holds_up_no_end(monkeypatch):
    monkeypatch.setattr("jarvis.core.lifecycle.requests.LEAVE_SECONDS", 0.05)
    requests, released = Requests(), asyncio.Event()

    async def stuck():
        with requests.track("r"):
            while not released.is_set():
                with suppress(asyncio.CancelledError):
                    await released.wait()

    task = await begun(stuck())
    assert await asyncio.wait_for(requests.close(within=0), 5) == 1
    released.set()
    await task


async def test_abort_ends_every_request_of_an_id_and_no_other():
    requests = Requests()
    victims = [await begun(work(requests)) for _ in range(2)]
    other = await begun(work(requests, request_id="other"))

    assert requests.abort("r") == 2
    for victim in victims:
        with pytest.raises(RequestAborted):
            await victim
    assert not other.done()
    with pytest.raises(RequestNotFound):
        requests.abort("r")
    other.cancel()


async def test_a_cancel_from_outside_stays_a_cancel():
    requests = Requests()
    task = await begun(work(requests))
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


async def test_closing_waits_for_what_runs_and_refuses_what_is_new():
    requests = Requests()
    task = await begun(work(requests, seconds=0.05))
    closing = await begun(requests.close(within=5))

    with pytest.raises(Draining):
        await work(requests)
    assert await closing == 0
    await task


async def test_closing_ends_what_does_not_finish():
    requests = Requests()
    task = await begun(work(requests))

    assert await requests.close(within=0.01) == 1
    with pytest.raises(Draining):
        await task
