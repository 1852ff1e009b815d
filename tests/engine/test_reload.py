"""A real engine is replaced by another one, under load."""

import asyncio

import grpc
import pytest

from bench import tiny_lora, tiny_model
from jarvis.v1 import server_pb2
from tests.engine.support import GENERATION, TOKENS, seeded

pytestmark = [pytest.mark.engine, pytest.mark.long, pytest.mark.timeout(900)]
"""Long, because the new engine starts on the CPUs on which the old one answers."""
CALLERS = 3
PROMPTS = 7
PAUSE_SECONDS = 2.0
"""Between two requests of a caller: with less, they take the CPU that the new engine starts on.

OpenMP binds the workers of both to the first CPU, and Linux does not share that fairly between sessions, of
which each engine's process begins one: beside a worker that was busy for 90 % of the time, one got 2 %.
"""


@pytest.fixture(scope="module")
async def reloadable(serve, connect, ready, tmp_path_factory):
    """The tiny model, whose engine fits into memory twice, and one with further weights in that engine."""
    folder = tmp_path_factory.mktemp("reload")
    tiny = tiny_model.make(folder / "tiny")
    sets = [
        f'models.tiny.settings.model="{tiny}"',
        "models.tiny.settings.dtype=float32",
        f"models.tiny.settings.engine_args.kv_cache_memory_bytes={2**28}",
        "models.tiny.settings.engine_args.enable_lora=true",
        f'server.weights_folders=["{folder}"]',
        "models.tuned.adapter=lora",
        f'models.tuned.settings={{base="tiny", path="{tiny_lora.make(folder / "tuned", tiny)}"}}',
        "embedder.adapter=none",
        "store.adapter=none",
        "server.drain_delay_seconds=0",
    ]
    async with serve(folder, *sets) as server, connect(server.address) as peer:
        await ready(server, peer)
        peer.process = server
        yield peer


async def test_an_engine_is_replaced_under_load_and_no_request_fails(reloadable, ready, still_there):
    peer = reloadable
    await ready(peer.process, peer, f"{GENERATION}/tuned")
    expected = [(await seeded(peer.generation, number))[0] for number in range(PROMPTS)]
    tuned = (await seeded(peer.generation, 0, "tuned"))[0]
    old = peer.process.core()
    enough, done = asyncio.Event(), []

    async def caller(first):
        for number in range(first, 100_000, CALLERS):
            done.append((number % PROMPTS, await seeded(peer.generation, number % PROMPTS)))
            if not first:
                assert (await seeded(peer.generation, 0, "tuned"))[0] == tuned
            await asyncio.sleep(PAUSE_SECONDS)
            if enough.is_set():
                return

    callers = [asyncio.create_task(caller(first)) for first in range(CALLERS)]
    watching = asyncio.create_task(unwell(peer, enough))
    reloading = server_pb2.ReloadAdapterRequest(port="llm", name="tiny")
    reloaded = await peer.server.ReloadAdapter(reloading, timeout=600)
    before = len(done)
    await asyncio.sleep(1)
    enough.set()
    await asyncio.gather(*callers)  # raises where a request failed
    assert reloaded.ended_requests == 0
    assert await watching == []
    assert before > 0
    assert len(done) > before
    assert all(counted == TOKENS == len(ids) for _, (ids, counted) in done)
    assert all(ids == expected[number] for number, (ids, _) in done)
    assert still_there([old]) == []
    assert peer.process.core().pid != old.pid
    status = await peer.server.GetStatus(server_pb2.GetStatusRequest())
    assert [(model.state, model.restarts) for model in status.models] == [(server_pb2.STATE_READY, 0)] * 2


async def unwell(peer, enough):
    """Watch the health of the server, and return whatever it was but SERVING."""
    found = []
    while not enough.is_set():
        if (status := await peer.check()) != "SERVING":
            found.append(status)
        await asyncio.sleep(0.05)
    return found


async def test_ctrl_c_ends_the_new_engine_and_the_old_one_stays(reloadable, still_there):
    peer = reloadable
    before = set(peer.process.engines())
    call = peer.server.ReloadAdapter(server_pb2.ReloadAdapterRequest(port="llm", name="tiny"))
    async with asyncio.timeout(120):
        while not (new := set(peer.process.engines()) - before):
            await asyncio.sleep(0.1)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert await asyncio.to_thread(still_there, new, 60) == []
    assert (await seeded(peer.generation, 1))[1] == TOKENS
    assert set(peer.process.engines()) == before
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await peer.server.ReloadAdapter(server_pb2.ReloadAdapterRequest(port="llm", name="small"))
    assert caught.value.code() is grpc.StatusCode.NOT_FOUND
