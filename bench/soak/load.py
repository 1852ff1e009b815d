"""Sends requests of all kinds, and keeps what did not end as it had to."""

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import numpy as np

from bench.soak.requests import COLLECTION, DIMENSION, ROWS, Caller, expect
from bench.soak.server import Running
from jarvis.client import JarvisClient
from jarvis_ports.values import Row

CALLERS = 6
PAUSE_SECONDS = 0.1
"""Between two requests of a caller in the mixed load."""
TIMEOUT = 120.0
"""Seconds after which a request hangs."""
OTHER_ROWS = 2000
"""Rows of the collection that nobody changes."""
MIX = {
    "stream": 6,
    "short": 4,
    "embedded": 6,
    "rows": 4,
    "cancelled": 3,
    "hung_up": 2,
    "resumed": 2,
    "broken_off": 2,
    "late": 1,
    "healthy": 4,
    "operated": 1,
    "new_channel": 3,
    "wrong": 4,
}
"""How often the kinds of requests are sent, in the mixed load."""
IN_A_ROW = {"short": 6, "embedded": 2, "healthy": 1, "wrong": 1}
"""The same, in the requests one after another."""


class Load:
    """Callers, and what became of their requests.

    Attributes:
        sent: how many requests were sent, by kind.
        failures: what did not end as it had to.
    """

    def __init__(self, callers: Sequence[Caller]) -> None:
        self._callers = callers
        self.sent: Counter[str] = Counter()
        self.failures: list[str] = []

    async def at_once(self, streams: int) -> None:
        """Send so many streams at once."""
        await asyncio.gather(
            *(self._send("stream", self._callers[number % CALLERS]) for number in range(streams))
        )

    async def in_a_row(self, requests: int) -> None:
        """Send so many requests, each after the end of the one before."""
        for kind in _drawn(IN_A_ROW, requests):
            await self._send(kind, self._callers[0])

    async def fill(self, requests: int) -> None:
        """Have so many new texts embedded, until all that the embedder and the caches keep is full."""

        async def embed(caller: Caller) -> None:
            for _ in range(requests // CALLERS):
                await self._send("embedded", caller)

        await asyncio.gather(*map(embed, self._callers))

    async def together(self, rounds: int) -> None:
        """Have all callers send the same at once, until pools of threads are as large as they become."""
        for kind in ("rows", "embedded", "operated"):
            for _ in range(rounds):
                await asyncio.gather(*(self._send(kind, caller) for caller in self._callers))

    async def mixed(self, until: float) -> None:
        """Send requests of all kinds until then, by `time.monotonic`."""

        async def go_on(caller: Caller, kinds: Sequence[str]) -> None:
            for number in range(1_000_000):
                if time.monotonic() > until:
                    return
                await self._send(kinds[number % len(kinds)], caller)
                await asyncio.sleep(PAUSE_SECONDS)

        kinds = _drawn(MIX, 1000)
        await asyncio.gather(
            *(go_on(caller, kinds[number * 150 :]) for number, caller in enumerate(self._callers))
        )

    async def _send(self, kind: str, caller: Caller) -> None:
        send: Callable[[], Awaitable[None]] = getattr(caller, kind)
        try:
            async with asyncio.timeout(TIMEOUT):
                await send()
        except Exception as error:  # noqa: BLE001 - whatever it is, the request failed
            self.failures.append(f"{kind}: {error!r}")
            print(f"failed: {kind}: {error!r}", file=sys.stderr)
        self.sent[kind] += 1


@asynccontextmanager
async def calling(server: Running) -> AsyncIterator[Load]:
    """Make the collection and the callers; at the end, the collection has to be as large as at the beginning.

    Raises:
        Unexpected: the collection is not as large as it was.
    """
    callers = [Caller(server, number) for number in range(CALLERS)]
    rows = [Row(f"other-{number}", f"The shelf {number} is full.") for number in range(OTHER_ROWS)]
    vectors = np.random.default_rng(0).normal(size=(OTHER_ROWS, DIMENSION)).astype(np.float32)
    async with JarvisClient(server.grpc) as client:
        await client.retrieval.create_collection(COLLECTION)
        expect(await client.retrieval.upsert(COLLECTION, rows, vectors=list(vectors)), OTHER_ROWS)
        for caller in callers:
            await caller.fill()
        load = Load(callers)
        try:
            yield load
        finally:
            for caller in callers:
                await caller.close()
        there = (await client.retrieval.get_collection(COLLECTION)).rows
        expect(there, OTHER_ROWS + CALLERS * ROWS)


def _drawn(mix: dict[str, int], number: int) -> list[str]:
    """Return kinds at random, as often as the mix says."""
    return random.Random(0).choices(list(mix), list(mix.values()), k=number)  # noqa: S311 - no secret
