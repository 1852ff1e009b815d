"""The callers: some wait for each answer, some do not, and one comes back when it is told to."""

import asyncio
import random
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bench.health.callers import calling
from bench.overload.servers import Refused, Send, Server


@dataclass(frozen=True)
class Plan:
    """How many tokens an answer has on average, and how many seconds each part takes."""

    tokens: int
    seconds: float

    @property
    def warm_up(self) -> float:
        """How long a part runs before anything counts: the queue fills, and shares even out."""
        return self.seconds / 2


@dataclass
class Done:
    """What became of requests: those served by caller, and how many seconds each took."""

    over: float
    seconds: list[float] = field(default_factory=list)
    served_by: dict[str, int] = field(default_factory=dict)
    refused: int = 0
    told_when: int = 0
    failed: int = 0
    waiting: int = 0
    health_ms: list[float] = field(default_factory=list)
    obeyed: dict[str, int] = field(default_factory=dict)
    served: int = 0
    per_second: float = 0.0


class Counting:
    """Sends requests, and counts what becomes of them in a span of time, after a while to warm up."""

    def __init__(self, plan: Plan) -> None:
        self._tokens = plan.tokens
        self._begin = time.monotonic() + plan.warm_up
        self.end = self._begin + plan.seconds
        self.done = Done(plan.seconds)
        self._served: Counter[str] = Counter()
        self._number = 0
        self._random = random.Random(2)  # noqa: S311 - no secret

    async def request(self, send: Send, caller: str) -> None:
        """Send one request; what ends after the span does not count as served."""
        self._number += 1
        sent = time.monotonic()
        try:
            # Answers of one length would begin and end together, in waves that no short queue can fill.
            tokens = self._random.randint(self._tokens // 2, self._tokens * 3 // 2)
            await send(f"Tell story number {self._number}.", tokens)
        except Refused as error:
            if sent >= self._begin:
                self.done.refused += 1
                self.done.told_when += error.told_when
            return
        except OSError:
            self.done.failed += sent >= self._begin
            return
        now = time.monotonic()
        if self._begin <= now <= self.end:
            self.done.seconds.append(now - sent)
            self._served[caller] += 1

    def result(self) -> Done:
        """Return what was counted."""
        self.done.served_by = dict(self._served)
        self.done.served = self._served.total()
        self.done.per_second = self.done.served / self.done.over
        return self.done


async def closed_loop(server: Server, plan: Plan, callers: Sequence[str], at_once: int) -> Done:
    """Keep this many requests running, and return what became of them."""
    counting = Counting(plan)

    async def go_on(caller: str) -> None:
        async with server.caller(caller) as send:
            while time.monotonic() < counting.end:
                await counting.request(send, caller)

    await asyncio.gather(*(go_on(callers[number % len(callers)]) for number in range(at_once)))
    return counting.result()


async def open_loop(server: Server, plan: Plan, rates: Mapping[str, float]) -> Done:
    """Send requests at random times, at the rate of each caller a second, whether or not any is answered.

    Those that have no answer at the end are given up.
    """
    counting = Counting(plan)
    random_ = random.Random(1)  # noqa: S311 - no secret

    async def go_on(caller: str) -> None:
        sent: set[asyncio.Task[None]] = set()
        async with server.caller(caller) as send:
            at = time.monotonic()
            while (at := at + random_.expovariate(rates[caller])) < counting.end:
                await asyncio.sleep(at - time.monotonic())
                sent.add(asyncio.create_task(counting.request(send, caller)))
            await asyncio.sleep(counting.end - time.monotonic())
            counting.done.waiting += sum(not task.done() for task in sent)
            for task in sent:
                task.cancel()
            await asyncio.wait(sent)

    await asyncio.gather(*map(go_on, rates))
    return counting.result()


@asynccontextmanager
async def obedient(server: Server, tokens: int, caller: str) -> AsyncIterator[Counter[str]]:
    """Send one request after another, and repeat refused ones when told to; yield what became of them."""
    ended: Counter[str] = Counter()

    async def go_on() -> None:
        async with server.caller(caller, attempts=30) as send:
            while True:
                try:
                    await send("Tell a story.", tokens)
                    ended["served"] += 1
                except (Refused, OSError):
                    ended["failed"] += 1

    async with calling([go_on()]):
        yield ended


@asynccontextmanager
async def probing(server: Server) -> AsyncIterator[list[float]]:
    """Ask for the health ten times a second; yield how many milliseconds each answer took."""
    took: list[float] = []

    async def go_on() -> None:
        async with server.prober() as ask:
            while True:
                asked = time.perf_counter()
                await ask()
                took.append((time.perf_counter() - asked) * 1000)
                await asyncio.sleep(0.1)

    async with calling([go_on()]):
        yield took
