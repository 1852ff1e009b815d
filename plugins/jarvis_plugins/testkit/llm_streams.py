"""The `LLM` tests of streams: in parts, at once, and left early."""

import asyncio
import time
from contextlib import aclosing

import pytest

from jarvis_plugins.testkit.base import AT_ONCE
from jarvis_plugins.testkit.llm_base import LLMTests
from jarvis_plugins.testkit.reply import request
from jarvis_plugins.testkit.samples import MESSAGES, PROMPT
from jarvis_ports.llm import LLM, Accepted, Delta, Finish

TRIES = 3
"""How often is tried what a busy machine may spoil: a loop that stood still gets all parts together."""
SOON = 0.2
"""Seconds: whether an answer that takes less comes as it is made, nobody can tell."""


class LLMStreams(LLMTests):
    """A part of `LLMConformance`."""

    async def test_an_answer_comes_in_parts_as_it_is_made(self, llm: LLM) -> None:
        for _ in range(TRIES):
            began, parts = time.monotonic(), []
            async with aclosing(llm.generate(request(llm))) as events:
                async for event in events:
                    if isinstance(event, Delta) and event.text:
                        parts.append(time.monotonic() - began)
                    elif isinstance(event, Finish) and event.usage and event.usage.completion_tokens < 2:
                        pytest.skip("the answer has one token")
            took = time.monotonic() - began
            if len(parts) > 1 and (took < SOON or parts[0] < 0.9 * took):
                return
        pytest.fail(f"{len(parts)} parts, the first after {parts[0]:.2f} of {took:.2f} seconds")

    async def test_streams_run_at_once_and_do_not_mix(self, llm: LLM) -> None:
        prompts = [PROMPT + " one" * length for length in range(8)]
        replies = await asyncio.gather(*(self.ask(llm, prompt) for prompt in prompts))
        if llm.capabilities().counts_prompts:
            counts = [await self.count(llm, prompt) for prompt in prompts]
            assert [reply.accepted.prompt_tokens for reply in replies] == counts
        alone = [(await self.ask(llm, prompt)).text() for prompt in prompts]
        same = sum(reply.text() == text for reply, text in zip(replies, alone, strict=True))
        # Some may differ, as the arithmetic may with the batch.
        assert same >= len(prompts) / 2, "answers differ from those of the same prompts alone"
        if llm.capabilities().slots != 1 and await self._lets_others_run(llm):
            most = [await self._most_at_once(llm, prompts) for _ in range(TRIES)]
            assert max(most) > 1, "each answer is begun when the one before it has ended"

    async def _lets_others_run(self, llm: LLM) -> bool:
        """Return whether anything else can run while an answer is made; some are made in one go."""
        turn = asyncio.Event()
        async with aclosing(llm.generate(request(llm))) as events:
            async for event in events:
                if isinstance(event, Accepted):
                    asyncio.get_running_loop().call_soon(turn.set)
        return turn.is_set()

    async def _most_at_once(self, llm: LLM, prompts: list[str]) -> int:
        """Return how many answers had begun, and not ended, at a time."""
        running: set[int] = set()
        most = 0

        async def run(number: int) -> None:
            nonlocal most
            async with aclosing(llm.generate(request(llm, prompts[number]))) as events:
                async for event in events:
                    if isinstance(event, Delta):
                        running.add(number)
                        most = max(most, len(running))
                    elif isinstance(event, Finish):
                        running.discard(number)

        await asyncio.wait_for(asyncio.gather(*map(run, range(len(prompts)))), self.seconds)
        return most

    async def test_health_and_counts_do_not_wait_for_a_stream(self, llm: LLM) -> None:
        async with aclosing(llm.generate(request(llm))) as events:
            while not isinstance(await anext(events), Delta):
                pass
            await asyncio.wait_for(llm.health(), TRIES * AT_ONCE)
            if llm.capabilities().counts_prompts:
                await asyncio.wait_for(self.count(llm, PROMPT), TRIES * AT_ONCE)

    async def test_leaves_its_input_as_it_is(self, llm: LLM) -> None:
        self.need(llm, "messages")
        messages = list(MESSAGES)
        if llm.capabilities().counts_prompts:
            await llm.count_tokens(messages)
        await self.ask(llm, messages)
        assert messages == list(MESSAGES)

    async def test_closed_streams_leave_room(self, llm: LLM) -> None:
        async def leave() -> None:
            async with aclosing(llm.generate(request(llm))) as events:
                async for event in events:
                    if isinstance(event, Delta):
                        break

        await asyncio.wait_for(asyncio.gather(*(leave() for _ in range(100))), self.seconds)
        assert (await self.ask(llm)).text()

    async def test_cancelled_streams_leave_room(self, llm: LLM) -> None:
        begun = asyncio.Event()

        async def run() -> None:
            async with aclosing(llm.generate(request(llm))) as events:
                async for event in events:
                    if isinstance(event, Accepted):
                        begun.set()

        tasks = [asyncio.create_task(run()) for _ in range(100)]
        await asyncio.wait_for(begun.wait(), self.seconds)
        cancelled = [task for task in tasks if task.cancel()]
        ended = await asyncio.wait_for(asyncio.gather(*cancelled, return_exceptions=True), self.seconds)
        assert {type(end) for end in ended} <= {asyncio.CancelledError}, (
            "a stream was cancelled, and ended as usual"
        )
        assert (await self.ask(llm)).text()
