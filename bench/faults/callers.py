"""The callers: each makes one kind of call after another, and keeps what became of them."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress

from bench.faults.row import Call, Kept
from jarvis.client import CannotConnect, Finished, JarvisClient, JarvisClientError, Row

COLLECTION = "rows"
ROWS = 3
"""Rows of an upsert."""
WRONG = "a wrong answer"
PAUSE, PAUSE_AFTER_FAILURE = 0.05, 0.5
"""Seconds between two calls of a caller."""


def words(error: JarvisClientError) -> str:
    """Return what a caller is told: the status, the reason, and whether it may come back."""
    if isinstance(error, CannotConnect):
        return "no connection"
    again = "no retry" if error.retry_after is None else "retry"
    return f"{error.code.name} {error.reason or 'without a reason'}, {again}"


class Caller:
    """A caller, and what the server has acknowledged to it: tokens used, and rows stored, by their ids."""

    def __init__(self, name: str, client: JarvisClient) -> None:
        self.name = name
        self.client = client
        self.calls: list[Call] = []
        self.tokens = 0
        self.rows: dict[str, str] = {}
        self._called = asyncio.Event()

    async def tell(self, once: Awaitable[bool]) -> bool:
        """Make one call, note what became of it, and return whether it was served.

        `once` returns whether the answer was right.
        """
        began = time.monotonic()
        try:
            failure = "" if await once else WRONG
        except JarvisClientError as error:
            failure = words(error)
        self.calls.append(Call(began, time.monotonic(), failure))
        self._called.set()
        return not failure

    async def until(self, condition: Callable[[], bool], within: float) -> bool:
        """Wait for a condition that its calls decide, or for so many seconds; return whether it holds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not condition():
                    self._called.clear()
                    await self._called.wait()
        return condition()

    async def generate(self, number: int, model: str = "echo") -> bool:
        """Ask for an answer of eight tokens."""
        answer = await self.client.generate(
            f"{self.name} {number}", model=model, max_tokens=8, ignore_eos=True
        )
        self.tokens += answer.usage.prompt_tokens + answer.usage.completion_tokens
        return answer.usage.completion_tokens == 8

    async def stream(self, tokens: int, model: str = "echo") -> bool:
        """Read a stream of this many tokens."""
        received = 0
        async for event in self.client.stream(
            f"{self.name} tells", model=model, max_tokens=tokens, ignore_eos=True
        ):
            if isinstance(event, Finished):
                received = event.usage.completion_tokens
                self.tokens += event.usage.prompt_tokens + received
        return received == tokens

    async def embed(self, number: int) -> bool:
        """Embed two texts that are new to the server."""
        texts = [f"{self.name} embeds {number}", f"and {number} once more, for {self.name}"]
        answer = await self.client.embed(texts)
        self.tokens += sum(answer.tokens)
        return len(answer.tokens) == 2

    async def upsert(self, number: int) -> bool:
        """Store rows that are new."""
        rows = {
            f"{number}-{i}": f"Box {number * ROWS + i} holds {number} things of kind {i}" for i in range(ROWS)
        }
        stored = await self.client.retrieval.upsert(
            COLLECTION, [Row(id_, text) for id_, text in rows.items()]
        )
        self.rows |= rows
        return stored == ROWS

    async def search(self, number: int) -> bool:
        """Search for one of the first rows, which has to be found."""
        id_ = f"0-{number % ROWS}"
        text = f"Box {number % ROWS} holds 0 things of kind {number % ROWS}"
        return id_ in [hit.id for hit in (await self.client.retrieval.search(COLLECTION, text)).hits]


async def prepare(first: Caller) -> None:
    """Make the collection, with its first rows."""
    await first.client.retrieval.create_collection(COLLECTION)
    await first.upsert(0)


@asynccontextmanager
async def at_work(works: Mapping[Caller, Callable[[int], Awaitable[bool]]]) -> AsyncIterator[None]:
    """Have callers make one call after another while the block runs, and finish their last one at its end."""
    ended = asyncio.Event()

    async def go_on(caller: Caller, work: Callable[[int], Awaitable[bool]]) -> None:
        for number in itertools.count(1):
            served = await caller.tell(work(number))
            if ended.is_set():
                return
            await asyncio.sleep(PAUSE if served else PAUSE_AFTER_FAILURE)

    async with asyncio.TaskGroup() as tasks:
        for caller, work in works.items():
            tasks.create_task(go_on(caller, work))
        try:
            yield
        finally:
            ended.set()


async def served_again(caller: Caller, within: float = 60, *, times: int = 3) -> None:
    """Wait until the last calls of a caller were served, or for so many seconds."""
    enough = len(caller.calls) + times

    def last_were_served() -> bool:
        return len(caller.calls) >= enough and not any(call.failure for call in caller.calls[-times:])

    await caller.until(last_were_served, within)


async def rows_kept(client: JarvisClient, rows: Mapping[str, str]) -> Kept:
    """Search for every row that was acknowledged, by vector and by words, and count those that are found."""
    there = 0
    for id_, text in rows.items():
        found = [
            id_ in [hit.id for hit in (await client.retrieval.search(COLLECTION, text, mode=mode)).hits]
            for mode in ("dense", "sparse")
        ]
        there += all(found)
    return Kept("rows", len(rows), there)


async def usage_kept(client: JarvisClient, *callers: Caller) -> Kept:
    """Compare the tokens that callers were told of with what the server says that they used."""
    written: Counter[str] = Counter()
    for used in await client.usage(days=2):
        written[used.caller] += used.prompt_tokens + used.completion_tokens
    there = sum(min(caller.tokens, written[caller.name]) for caller in callers)
    return Kept("tokens used", sum(caller.tokens for caller in callers), there)
