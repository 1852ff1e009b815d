"""Answers with what it was asked, in capitals; a token is a character."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

from pydantic import Field

from jarvis_plugins import AdapterSettings, Registry, hookimpl
from jarvis_ports.errors import ContextLengthExceeded
from jarvis_ports.health import Health
from jarvis_ports.llm import (
    LLM,
    Accepted,
    Delta,
    Finish,
    FinishReason,
    GenerateRequest,
    Input,
    LLMCapabilities,
    LLMEvent,
    RenderParams,
    TokenIds,
    Usage,
)


class ShoutSettings(AdapterSettings):
    """How it shouts."""

    ending: str = Field("!", description="What every answer ends with.")


class Shout:
    """An `LLM` with a context of 1,000 tokens."""

    def __init__(self, settings: ShoutSettings) -> None:
        self._ending = settings.ending

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[LLMEvent, None]:
        """See `jarvis_ports.llm.LLM.generate`."""
        answer = _text(request.input).upper() + self._ending
        tokens = await self.count_tokens(request.input)
        if tokens >= 1000:
            raise ContextLengthExceeded(
                field="prompt" if isinstance(request.input, str) else "messages",
                prompt_tokens=tokens,
                max_tokens=0,
                context_length=1000,
            )
        yield Accepted(tokens)
        for letter in answer:
            yield Delta(0, letter)
        yield Finish(0, FinishReason.STOP, Usage(tokens, len(answer)))

    async def count_tokens(self, input_: Input, render: RenderParams = RenderParams()) -> int:
        """See `jarvis_ports.llm.LLM.count_tokens`."""
        return len(_text(input_))

    def capabilities(self) -> LLMCapabilities:
        """See `jarvis_ports.llm.LLM.capabilities`."""
        return LLMCapabilities(1000, frozenset({"messages"}))

    async def health(self) -> Health:
        """See `jarvis_ports.llm.LLM.health`."""
        return Health(ok=True)


def _text(input_: Input) -> str:
    assert not isinstance(input_, TokenIds)  # it does not declare prompt_token_ids
    return input_ if isinstance(input_, str) else "\n".join(message.content for message in input_)


@asynccontextmanager
async def open_shout(settings: ShoutSettings) -> AsyncIterator[LLM]:
    """Open it; there is nothing to start."""
    yield Shout(settings)


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register `shout`."""
    registry.llm("shout", settings=ShoutSettings, factory=open_shout)
