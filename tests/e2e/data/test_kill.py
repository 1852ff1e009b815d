"""What was acknowledged is there after the server was killed, and is found by vector and by words."""

import asyncio
import signal

import grpc
import pytest

from jarvis.v1 import retrieval_pb2 as pb


@pytest.mark.parametrize("seconds", [0.3, 1.1, 2.5])
async def test_all_that_upsert_acknowledged_is_found_after_a_kill(serve, write, check, tmp_path, seconds):
    acknowledged = set()

    async def write_on(peer, first):
        try:
            for number in range(first, 10_000, 3):
                await write(peer, number)
                acknowledged.add(number)
        except grpc.aio.AioRpcError as error:
            return error.code()

    async with serve(tmp_path / "data") as (process, peer):
        await peer.retrieval.CreateCollection(pb.CreateCollectionRequest(name="docs"))
        writers = [asyncio.create_task(write_on(peer, first)) for first in range(3)]
        while not acknowledged:
            await asyncio.sleep(0.01)
        await asyncio.sleep(seconds)
        process.send_signal(signal.SIGKILL)
        assert set(await asyncio.gather(*writers)) == {grpc.StatusCode.UNAVAILABLE}
    async with serve(tmp_path / "data") as (_, peer):
        await check(peer, acknowledged)
