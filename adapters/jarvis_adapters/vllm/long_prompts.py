"""Keeps long prompts from holding up short ones."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from jarvis_ports.llm import Input, TokenIds

WORKERS = {"renderer_num_workers": 2}
"""The threads in which vLLM makes tokens of prompts: one for the long ones, and one for the short ones."""
LONG = 20_000
"""The most characters of a short prompt: it takes 30 to 50 ms to make tokens of so many."""


class LongPrompts:
    """Lets long prompts be made into tokens one at a time."""

    def __init__(self) -> None:
        self._alone = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, input_: Input) -> AsyncIterator[None]:
        """Wait until it is an input's turn, which lasts as long as the block runs."""
        if characters(input_) <= LONG:
            yield
            return
        async with self._alone:
            yield


def characters(input_: Input) -> int:
    """Return how many characters of an input are to be made into tokens."""
    if isinstance(input_, TokenIds):
        return 0
    if isinstance(input_, str):
        return len(input_)
    return sum(len(one.text) + sum(len(call.arguments) for call in one.tool_calls) for one in input_)
