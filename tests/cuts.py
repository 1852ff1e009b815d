"""Streams whose connections are cut at random, and that must be the same as without."""

import asyncio
import random

from jarvis.client import Delta, Finished, JarvisClient, Started
from tests.proxy import Proxy


async def text_of(events):
    """Read a stream, which has one beginning and one end; return its text."""
    pieces, started, finished = [], 0, 0
    async for event in events:
        started += isinstance(event, Started)
        finished += isinstance(event, Finished)
        if isinstance(event, Delta):
            pieces.append(event.text)
    assert (started, finished) == (1, 1)
    return "".join(pieces)


async def cut_at_random(address, prompt, options, cuts, seed):
    """Stream the same answer until connections were cut so often; return its text, the same each time."""
    proxy, random_ = Proxy(address), random.Random(seed)  # noqa: S311 - no secret
    async with JarvisClient(address) as direct:
        uncut = await text_of(direct.stream(prompt, **options))

    async def cut():
        while True:
            await asyncio.sleep(random_.uniform(0.01, 0.25))
            proxy.cut()

    async with proxy.running() as through, JarvisClient(through) as client:
        cutting = asyncio.create_task(cut())
        try:
            while proxy.cuts < cuts:
                assert await text_of(client.stream(prompt, resumable=True, **options)) == uncut
        finally:
            cutting.cancel()
    return uncut
