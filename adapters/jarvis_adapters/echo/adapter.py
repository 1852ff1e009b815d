"""Answers with its own input.

A token is a word with the white space before it; its id is the CRC-32 of its UTF-8. A message costs one token
more than its words, and an image, which it does not look at, one. The ids that it has told it takes back,
those of the first 65,536 words of at most 64 characters. The answer is the raw prompt, or the last message of
the user; with `ignore_eos` it is repeated until `max_tokens` is reached or the context is full. Every choice
is the same, whatever the seed. With further weights (LoRA), of which it reads nothing, the answer is in
capitals.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import asynccontextmanager
from itertools import cycle, islice
from pathlib import Path
from zlib import crc32

from pydantic import Field

from jarvis_plugins import AdapterSettings
from jarvis_ports.errors import ContextLengthExceeded, EngineDead, EngineFailure, InvalidArgument
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
    Message,
    RenderParams,
    Role,
    TextInput,
    TokenIds,
    Tool,
    Usage,
    input_field,
)

MOST_KEPT, LONGEST_KEPT = 65_536, 64
"""How many words are kept by their ids, and the characters of the longest."""

_FIELDS = frozenset(
    {
        "messages",
        "messages.parts.image",
        "messages.role.system",
        "prompt",
        "prompt_token_ids",
        "return_token_ids",
        "truncate_prompt_tokens",
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
        self._words: dict[int, str] = {}
        self._weights: set[str] = set()
        self.closed = False

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[LLMEvent, None]:
        """See `jarvis_ports.llm.LLM.generate`."""
        prompt = self._tokens(request.input, request.render)
        words = prompt if isinstance(request.input, str | TokenIds) else _words(_last(request.input))
        if request.weights:
            if request.weights not in self._weights:
                raise EngineFailure(f"the weights {request.weights!r} are not loaded")
            words = [word.upper() for word in words]
        prompt_tokens = await self.count_tokens(request.input, request.render)
        sampling = request.sampling
        self._check_fit(request, prompt_tokens)
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
            ids = (self._id(token),) if request.return_token_ids else ()
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

    async def count_tokens(
        self,
        input_: Input,
        render: RenderParams = RenderParams(),
        tools: Sequence[Tool] = (),  # noqa: ARG002 - it takes none
    ) -> int:
        """See `jarvis_ports.llm.LLM.count_tokens`."""
        return len(self._tokens(input_, render))

    async def tokenize(self, input_: TextInput, render: RenderParams = RenderParams()) -> Sequence[int]:
        """See `jarvis_ports.llm.TellsTokens.tokenize`."""
        return [self._id(token) for token in self._tokens(input_, render)]

    async def token_texts(self, token_ids: Sequence[int]) -> Sequence[str]:
        """See `jarvis_ports.llm.TellsTokens.token_texts`."""
        return self._known(token_ids, "token_ids")

    async def detokenize(self, token_ids: Sequence[int]) -> str:
        """See `jarvis_ports.llm.TellsTokens.detokenize`."""
        return "".join(self._known(token_ids, "token_ids"))

    async def load_weights(self, name: str, folder: Path) -> None:  # noqa: ARG002 - it reads none
        """See `jarvis_ports.llm.TakesWeights.load_weights`."""
        self._weights.add(name)

    async def unload_weights(self, name: str) -> None:
        """See `jarvis_ports.llm.TakesWeights.unload_weights`."""
        self._weights.discard(name)

    def capabilities(self) -> LLMCapabilities:
        """See `jarvis_ports.llm.LLM.capabilities`."""
        return LLMCapabilities(self._context_length, _FIELDS, notes=("a stand-in: it repeats its input",))

    async def health(self) -> Health:
        """See `jarvis_ports.llm.LLM.health`."""
        return Health(ok=not self.closed, message="closed" if self.closed else "")

    def _tokens(self, input_: Input, render: RenderParams) -> list[str]:
        """Return the tokens of a prompt; a message begins with one that names its role."""
        if isinstance(input_, TokenIds):
            tokens = self._known(input_.ids, "prompt_token_ids")
        elif isinstance(input_, str):
            tokens = _words(input_)
        else:
            _last(input_)
            tokens = [
                token
                for message in input_
                for token in (f"<{message.role}>", *["<image>"] * len(message.images), *_words(message.text))
            ]
        return tokens[-(render.truncate_prompt_tokens or 0) :]

    def _id(self, token: str) -> int:
        token_id = crc32(token.encode())
        if len(token) <= LONGEST_KEPT and len(self._words) < MOST_KEPT:
            self._words[token_id] = token
        return token_id

    def _known(self, token_ids: Sequence[int], field: str) -> list[str]:
        if unknown := [position for position, one in enumerate(token_ids) if one not in self._words]:
            first = unknown[0]
            raise InvalidArgument.of(f"{field}[{first}]", f"no token has the id {token_ids[first]}")
        return [self._words[one] for one in token_ids]

    def _check_fit(self, request: GenerateRequest, prompt_tokens: int) -> None:
        max_tokens = request.sampling.max_tokens or 1
        if prompt_tokens + max_tokens <= self._context_length:
            return
        field = input_field(request.input)
        raise ContextLengthExceeded(
            field=field if prompt_tokens >= self._context_length else "sampling.max_tokens",
            prompt_tokens=prompt_tokens,
            max_tokens=max_tokens,
            context_length=self._context_length,
        )


def _last(messages: Sequence[Message]) -> str:
    for message in reversed(messages):
        if message.role is Role.USER:
            return message.text
    error = InvalidArgument.of("messages", "there is no message of the user to repeat")
    raise error


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+", text)


def _cut(text: str, stops: tuple[str, ...]) -> tuple[int, str | None]:
    """Return where the answer ends, in characters, and the stop text that ends it."""
    found = [(text.find(stop) + len(stop), stop) for stop in stops if stop in text]
    end, stop = min(found, default=(len(text), None))
    return end - len(stop or ""), stop
