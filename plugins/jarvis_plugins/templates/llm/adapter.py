"""A model that repeats what it is asked; a token is a word."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager

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
    Tool,
    Usage,
    input_field,
)

from .settings import Settings

FIELDS = frozenset({"messages", "prompt"})
"""The request fields that it honours; the core refuses all others of `jarvis_ports.llm.ALL_FIELDS`."""


@asynccontextmanager
async def open_adapter(settings: Settings) -> AsyncIterator[LLM]:
    """Load the model, and free what it holds when the context is left."""
    yield Adapter(settings)


class Adapter:
    """See `jarvis_ports.llm.LLM`."""

    def __init__(self, settings: Settings) -> None:
        self._context_length = settings.context_length

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[LLMEvent, None]:
        """See the port."""
        words = _words(request.input)
        count = len(words)
        if 2 * count > self._context_length:
            raise ContextLengthExceeded(
                field=input_field(request.input),
                prompt_tokens=count,
                max_tokens=count,
                context_length=self._context_length,
            )
        yield Accepted(count)
        for word in words:
            yield Delta(0, word)
        yield Finish(0, FinishReason.STOP, Usage(count, count))

    async def count_tokens(
        self, input_: Input, render: RenderParams = RenderParams(), tools: Sequence[Tool] = ()
    ) -> int:
        """See the port."""
        return len(_words(input_))

    def capabilities(self) -> LLMCapabilities:
        """See the port."""
        return LLMCapabilities(self._context_length, FIELDS)

    async def health(self) -> Health:
        """See the port."""
        return Health(ok=True)


def _words(input_: Input) -> list[str]:
    if isinstance(input_, TokenIds):
        raise TypeError("prompt_token_ids is not among the FIELDS")
    text = input_ if isinstance(input_, str) else " ".join(message.text for message in input_)
    first, *others = text.split(" ")
    return [first, *(f" {word}" for word in others)]
