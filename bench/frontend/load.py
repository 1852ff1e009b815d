"""The load: concurrent streams that each send one request after another, measured in rounds."""

import asyncio
import random
import statistics
import time
from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from jarvis.load.summary import nearest_rank

WORDS = (
    "amber",
    "boat",
    "cedar",
    "dune",
    "ember",
    "fjord",
    "grove",
    "harbour",
    "iris",
    "juniper",
    "kelp",
    "lake",
)
PROMPT_WORDS = 24


@dataclass(frozen=True, slots=True)
class Reply:
    """A finished request: seconds to its first token, and tokens generated, as the engine counts them."""

    ttft: float
    tokens: int


async def timed(tokens: AsyncIterable[int]) -> Reply:
    """Read how many tokens each event of an answer has; the time begins now."""
    begin = time.perf_counter()
    ttft = 0.0
    received = 0
    async for more in tokens:
        if more:
            ttft = ttft or time.perf_counter() - begin
            received += more
    return Reply(ttft, received)


Generate = Callable[[str, int], Awaitable[Reply]]
"""Streams a greedy answer of exactly this many tokens to a prompt, even past the end-of-sequence token."""

Start = Callable[[dict[str, Any]], AbstractAsyncContextManager[Generate]]
"""Starts a contender with these engine arguments."""


@dataclass(frozen=True, slots=True)
class Round:
    """The result of a round.

    Attributes:
        tokens_per_second: over all streams.
        ttft: the median time to first token, in seconds.
        ttft_p95: its 95th percentile.
        cpu: seconds of the front end's CPU for each token; None if nobody looked, or it is in the client.
    """

    streams: int
    tokens_per_second: float
    ttft: float
    ttft_p95: float
    cpu: float | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure: for each number of streams, `rounds` rounds of `requests` requests per stream."""

    streams: tuple[int, ...]
    rounds: int
    tokens: int
    requests: int = 4


async def one_round(generate: Generate, streams: int, plan: Plan, random_words: random.Random) -> Round:
    """Send the requests of one round.

    Raises:
        RuntimeError: an answer does not have as many tokens as were asked for.
    """

    async def stream(prompts: list[str]) -> list[Reply]:
        return [await generate(prompt, plan.tokens) for prompt in prompts]

    prompts = [
        [" ".join(random_words.choices(WORDS, k=PROMPT_WORDS)) for _ in range(plan.requests)]
        for _ in range(streams)
    ]
    start = time.perf_counter()
    replies = [reply for stream in await asyncio.gather(*map(stream, prompts)) for reply in stream]
    seconds = time.perf_counter() - start
    if any(reply.tokens != plan.tokens for reply in replies):
        msg = f"asked for {plan.tokens} tokens, got {sorted({reply.tokens for reply in replies})}"
        raise RuntimeError(msg)
    times = [reply.ttft for reply in replies]
    return Round(
        streams=streams,
        tokens_per_second=streams * plan.requests * plan.tokens / seconds,
        ttft=statistics.median(times),
        ttft_p95=nearest_rank(times, 0.95),
    )
