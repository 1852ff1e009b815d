"""The callers: some wait for each answer, some do not, and one comes back when it is told to."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc

from bench.health.callers import calling
from jarvis.client import JarvisClient, JarvisClientError


@dataclass(frozen=True)
class Load:
    """The server's address, the key of each caller, and how many tokens an answer has on average."""

    address: str
    keys: Mapping[str, str]
    tokens: int

    def client(self, caller: str, attempts: int = 1) -> JarvisClient:
        """Return the client of a caller."""
        return JarvisClient(self.address, token=self.keys[caller], attempts=attempts, timeout=600)


@dataclass
class Done:
    """What became of requests: those served by caller, and how many seconds each took."""

    over: float
    seconds: list[float] = field(default_factory=list)
    served_by: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    told_when: int = 0
    failed: int = 0
    health_ms: list[float] = field(default_factory=list)
    obeyed: dict[str, int] = field(default_factory=dict)
    served: int = 0
    per_second: float = 0.0


class Counting:
    """Sends requests, and counts what becomes of them in a span of time, after a while to warm up."""

    def __init__(self, load: Load, seconds: float, warm_up: float) -> None:
        self._load = load
        self._begin = time.monotonic() + warm_up
        self.end = self._begin + seconds
        self.done = Done(seconds)
        self._served: Counter[str] = Counter()
        self._number = 0
        self._random = random.Random(2)  # noqa: S311 - no secret

    async def request(self, client: JarvisClient, caller: str) -> None:
        """Send one request; what ends after the span does not count as served."""
        self._number += 1
        sent = time.monotonic()
        try:
            prompt = f"Tell story number {self._number}."
            await client.generate(prompt, max_tokens=self._tokens(), ignore_eos=True)
        except JarvisClientError as error:
            if sent < self._begin:
                return
            if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
                self.done.refused += 1
                self.done.told_when += error.retry_after is not None
            else:
                self.done.failed += 1
            return
        now = time.monotonic()
        if self._begin <= now <= self.end:
            self.done.seconds.append(now - sent)
            self._served[caller] += 1

    def _tokens(self) -> int:
        # Answers of one length would begin and end together, in waves that no short queue can fill.
        return self._random.randint(self._load.tokens // 2, self._load.tokens * 3 // 2)

    def result(self) -> Done:
        """Return what was counted."""
        self.done.served_by = dict(self._served)
        self.done.served = self._served.total()
        self.done.per_second = self.done.served / self.done.over
        return self.done


async def closed_loop(
    load: Load, callers: Sequence[str], at_once: int, seconds: float, warm_up: float
) -> Done:
    """Keep this many requests running, and return what became of them."""
    counting = Counting(load, seconds, warm_up)

    async def go_on(caller: str) -> None:
        async with load.client(caller) as client:
            while time.monotonic() < counting.end:
                await counting.request(client, caller)

    await asyncio.gather(*(go_on(callers[number % len(callers)]) for number in range(at_once)))
    return counting.result()


async def open_loop(load: Load, rates: Mapping[str, float], seconds: float, warm_up: float) -> Done:
    """Send requests at random times, at the rate of each caller a second, whether or not any is answered."""
    counting = Counting(load, seconds, warm_up)
    random_ = random.Random(1)  # noqa: S311 - no secret

    async def send(caller: str) -> None:
        async with load.client(caller) as client, asyncio.TaskGroup() as tasks:
            at = time.monotonic()
            while (at := at + random_.expovariate(rates[caller])) < counting.end:
                await asyncio.sleep(at - time.monotonic())
                tasks.create_task(counting.request(client, caller))

    await asyncio.gather(*map(send, rates))
    return counting.result()


@asynccontextmanager
async def obedient(load: Load, caller: str) -> AsyncIterator[Counter[str]]:
    """Send one request after another with a client that repeats refused ones; yield what became of them."""
    ended: Counter[str] = Counter()

    async def go_on() -> None:
        async with load.client(caller, attempts=30) as client:
            while True:
                try:
                    await client.generate("Tell a story.", max_tokens=load.tokens, ignore_eos=True)
                    ended["served"] += 1
                except JarvisClientError:
                    ended["failed"] += 1

    async with calling([go_on()]):
        yield ended


@asynccontextmanager
async def probing(address: str, key: str) -> AsyncIterator[list[float]]:
    """Ask for the health ten times a second; yield how many milliseconds each answer took."""
    took: list[float] = []

    async def go_on() -> None:
        async with JarvisClient(address, token=key, attempts=1) as client:
            while True:
                asked = time.perf_counter()
                await client.health()
                took.append((time.perf_counter() - asked) * 1000)
                await asyncio.sleep(0.1)

    async with calling([go_on()]):
        yield took
