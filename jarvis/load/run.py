"""Sends requests as planned, and measures each."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

from jarvis.client import Delta, Finished, JarvisClient, JarvisClientError
from jarvis.load.plan import Plan

PAUSE = 0.1
"""Seconds until a caller whose request failed sends the next, if the server names none."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A request that has ended.

    Attributes:
        began: seconds from the beginning of what is measured; negative if it was sent before.
        seconds: how long it took.
        first_token: seconds until something of the answer came; None if nothing did.
        prompt_tokens: of its prompt; 0 if it failed.
        completion_tokens: of its answer; 0 if it failed.
        code: the name of its status.
        reason: why it failed; see the contract.
        message: the same in the server's words; empty if it did not fail.
        retry_after: seconds after which a repetition may help, as the server says; None if it does not.
    """

    began: float
    seconds: float
    first_token: float | None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    code: str = "OK"
    reason: str = ""
    message: str = ""
    retry_after: float | None = None


Send = Callable[[str], Coroutine[Any, Any, Measured]]


async def load(client: JarvisClient, plan: Plan, ended: Callable[[Measured], None]) -> int:
    """Send requests, and tell of each that has ended after the warm-up; give up those that run at the end.

    Args:
        client: calls the server; it should make each call once.
        plan: what to send.
        ended: called for each request that has ended.

    Returns:
        How many were given up.
    """
    random = Random(plan.seed)  # noqa: S311 - no secret
    prompts = plan.drawn(random)
    begin = time.monotonic() + plan.warm_up
    end = begin + plan.seconds

    async def one(prompt: str) -> Measured:
        measured = await _measured(client, plan, prompt, begin)
        if measured.began + measured.seconds >= 0:
            ended(measured)
        return measured

    if plan.rate:
        return await _at_a_rate(one, prompts, random, plan.rate, end)
    return await _at_once(one, prompts, plan.concurrency, end)


async def _at_once(one: Send, prompts: Iterator[str], concurrency: int, end: float) -> int:
    async def caller() -> None:
        for prompt in prompts:
            measured = await one(prompt)
            if measured.code != "OK":
                await asyncio.sleep(measured.retry_after or PAUSE)

    async with _given_up_after([asyncio.create_task(caller()) for _ in range(concurrency)]) as running:
        await asyncio.wait(running, timeout=end - time.monotonic(), return_when=asyncio.FIRST_EXCEPTION)
        return sum(not task.done() for task in running)


async def _at_a_rate(one: Send, prompts: Iterator[str], random: Random, rate: float, end: float) -> int:
    async with _given_up_after([]) as running:
        at = time.monotonic()
        while (at := at + random.expovariate(rate)) < end:
            await asyncio.sleep(at - time.monotonic())
            running.append(asyncio.create_task(one(next(prompts))))
        await asyncio.sleep(end - time.monotonic())
        return sum(not task.done() for task in running)


@asynccontextmanager
async def _given_up_after(tasks: "list[asyncio.Task[Any]]") -> "AsyncIterator[list[asyncio.Task[Any]]]":
    """Yield a list of tasks; however the block ends, cancel them. Raise what one of them raised."""
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for error in ended:
        if isinstance(error, BaseException) and not isinstance(error, asyncio.CancelledError):
            raise error


async def _measured(client: JarvisClient, plan: Plan, prompt: str, begin: float) -> Measured:
    sent = time.monotonic()
    first: float | None = None
    usage = None
    try:
        stream = client.stream(
            prompt, model=plan.model, max_tokens=plan.max_tokens, ignore_eos=plan.ignore_eos
        )
        async for event in stream:
            if first is None and isinstance(event, Delta):
                first = time.monotonic() - sent
            elif isinstance(event, Finished):
                usage = event.usage
    except JarvisClientError as error:
        return Measured(
            sent - begin,
            time.monotonic() - sent,
            first,
            code=error.code.name,
            reason=error.reason,
            message=error.message,
            retry_after=error.retry_after,
        )
    seconds = time.monotonic() - sent
    assert usage  # noqa: S101 - a stream that ends well has told it
    return Measured(sent - begin, seconds, first, usage.prompt_tokens, usage.completion_tokens)
