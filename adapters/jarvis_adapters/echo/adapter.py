"""Answers with its own input.

A token is a word with the white space before it; its id is the CRC-32 of its UTF-8. A message costs one token
more than its words. The answer is the raw prompt, or the last message of the user; with `ignore_eos` it is
repeated until `max_tokens` is reached or the context is full. Every choice is the same, whatever the seed.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle, islice
from zlib import crc32

from pydantic import Field

from jarvis_plugins import AdapterSettings
from jarvis_ports.errors import ContextLengthExceeded, EngineDead, InvalidArgument
from jarvis_ports.health import Health
from jarvis_ports.llm import (
    Accepted,
    Delta,
    Finish,
    FinishReason,
    GenerateRequest,
    Input,
    LLMCapabilities,
    LLMEvent,
    Role,
    Usage,
)

_FIELDS = frozenset(
    {
        "messages",
        "messages.role.system",
        "return_token_ids",
        *(f"sampling.{name}" for name in ("ignore_eos", "max_tokens", "n", "seed", "stop")),
    }
)


class EchoSettings(AdapterSettings):
    """How the stand-in behaves."""

    context_length: int = Field(4096, ge=2, description="Tokens that prompt and answer have at most.")
    tokens_per_second: float = Field(0, ge=0, description="Speed of each request; 0 is as fast as it goes.")
    load_seconds: float = Field(0, ge=0, description="Seconds until it is loaded.")


@asynccontextmanager
async def open_echo(settings: EchoSettings) -> AsyncIterator["Echo"]:
    """Load for as long as the settings say; streams that are still running on exit raise `EngineDead`."""
    await asyncio.sleep(settings.load_seconds)
    echo = Echo(settings)
    try:
        yield echo
    finally:
        echo.closed = True


class Echo:
    """An `LLM` that repeats its input."""

    def __init__(self, settings: EchoSettings) -> None:
        self._context_length = settings.context_length
        self._seconds_per_token = 1 / settings.tokens_per_second if settings.tokens_per_second else 0.0
        self.closed = False

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[LLMEvent, None]:
        """See `jarvis_ports.llm.LLM.generate`."""
        text = _text(request.input)
        prompt_tokens = await self.count_tokens(request.input)
        sampling = request.sampling
        self._check_fit(request, prompt_tokens)
        words = _words(text)
        room = min(sampling.max_tokens or self._context_length, self._context_length - prompt_tokens)
        tokens = list(islice(cycle(words) if sampling.ignore_eos else words, room))
        visible, stop = _cut("".join(tokens), sampling.stop)
        yield Accepted(prompt_tokens)

        choices = range(sampling.n or 1)
        start = count = 0
        for token in tokens:
            await asyncio.sleep(self._seconds_per_token)
            if self.closed:
                msg = "echo was closed"
                raise EngineDead(msg)
            ids = (crc32(token.encode()),) if request.return_token_ids else ()
            for index in choices:
                yield Delta(index, token[: max(0, visible - start)], ids)
            start += len(token)
            count += 1
            if stop and start >= visible + len(stop):
                break
        ended = stop or (len(words) <= count and not sampling.ignore_eos)
        reason = FinishReason.STOP if ended else FinishReason.LENGTH
        usage = Usage(prompt_tokens, count * len(choices))
        for index in choices:
            yield Finish(index, reason, usage, matched_stop=stop)

    async def count_tokens(self, input_: Input) -> int:
        """See `jarvis_ports.llm.LLM.count_tokens`."""
        if isinstance(input_, str):
            return len(_words(input_))
        _text(input_)
        return sum(1 + len(_words(message.content)) for message in input_)

    def capabilities(self) -> LLMCapabilities:
        """See `jarvis_ports.llm.LLM.capabilities`."""
        return LLMCapabilities(self._context_length, _FIELDS, notes=("a stand-in: it repeats its input",))

    async def health(self) -> Health:
        """See `jarvis_ports.llm.LLM.health`."""
        return Health(ok=not self.closed, message="closed" if self.closed else "")

    def _check_fit(self, request: GenerateRequest, prompt_tokens: int) -> None:
        max_tokens = request.sampling.max_tokens or 1
        if prompt_tokens + max_tokens <= self._context_length:
            return
        field = "prompt" if isinstance(request.input, str) else "messages"
        raise ContextLengthExceeded(
            field=field if prompt_tokens >= self._context_length else "sampling.max_tokens",
            prompt_tokens=prompt_tokens,
            max_tokens=max_tokens,
            context_length=self._context_length,
        )


def _text(input_: Input) -> str:
    if isinstance(input_, str):
        return input_
    for message in reversed(input_):
        if message.role is Role.USER:
            return message.content
    error = InvalidArgument.of("messages", "there is no message of the user to repeat")
    raise error


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+", text)


def _cut(text: str, stops: tuple[str, ...]) -> tuple[int, str | None]:
    """Return where the answer ends, in characters, and the stop text that ends it."""
    found = [(text.find(stop) + len(stop), stop) for stop in stops if stop in text]
    end, stop = min(found, default=(len(text), None))
    return end - len(stop or ""), stop
