"""Long prompts take turns, and short ones do not wait for them."""

import asyncio

from jarvis_adapters.vllm.long_prompts import LONG, LongPrompts, characters
from jarvis_ports.llm import Message, Role, TokenIds, ToolCall


async def test_short_prompts_pass_while_long_ones_wait_for_one_another():
    prompts, log, go_on = LongPrompts(), [], asyncio.Event()

    async def made(name, prompt):
        async with prompts.turn(prompt):
            log.append(name)
            if name == "first":
                await go_on.wait()

    long = [asyncio.create_task(made(name, "x" * (LONG + 1))) for name in ("first", "second")]
    await asyncio.sleep(0)
    await made("short", "x" * LONG)
    await made("tokens", TokenIds((1,) * 100_000))
    go_on.set()
    await asyncio.gather(*long)
    assert log == ["first", "short", "tokens", "second"]


def test_all_that_becomes_tokens_counts():
    call = ToolCall("1", "a", "{}")
    assert characters("abc") == 3
    assert characters((Message(Role.USER, "abc"), Message(Role.ASSISTANT, "d", (call,)))) == 6
