"""The `LLM` port on servers that speak OpenAI's API."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager

from jarvis_openai.answer import Answer
from jarvis_openai.capabilities import TOKENIZE, Found, find_capabilities, find_model
from jarvis_openai.endpoint import Endpoint
from jarvis_openai.errors import ELSEWHERE, Refused
from jarvis_openai.pool import Pool, watched
from jarvis_openai.refusals import blamed, too_long
from jarvis_openai.request import body, path, prompt
from jarvis_openai.settings import OpenAISettings
from jarvis_ports.errors import EngineStartFailed, JarvisError
from jarvis_ports.health import Health
from jarvis_ports.llm import (
    Accepted,
    GenerateRequest,
    Input,
    LLMCapabilities,
    LLMEvent,
    RenderParams,
    Tool,
)


@asynccontextmanager
async def running(settings: OpenAISettings) -> AsyncIterator["OpenAILLM"]:
    """Try what the first server that is well can do, and watch all of them; see `open_llm`."""
    async with watched(settings) as pool:
        endpoint = next(pool.choices())
        try:
            found = await find_model(endpoint, settings.model)
            if (length := settings.context_length or found.context_length) is None:
                msg = f"{endpoint.url} does not tell how long the context is; set context_length"
                raise EngineStartFailed(msg)
            capabilities, limit = await find_capabilities(endpoint, found, length)
        except ELSEWHERE as error:
            raise EngineStartFailed(str(error)) from error
        yield OpenAILLM(pool, found, capabilities, limit)


class OpenAILLM:
    """A model that one or more servers have.

    Args:
        pool: the servers.
        found: the model.
        capabilities: what it can do.
        limit: what the servers call the most tokens of an answer in a chat.
    """

    def __init__(self, pool: Pool, found: Found, capabilities: LLMCapabilities, limit: str) -> None:
        self._pool = pool
        self._found = found
        self._capabilities = capabilities
        self._limit = limit

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[LLMEvent, None]:
        """See `LLM.generate`; a server that fails before the first `Delta` is replaced by another."""
        failures: list[JarvisError] = []
        accepted = answered = False
        for endpoint in self._pool.choices():
            try:
                async with aclosing(self._answer(endpoint, request)) as events:
                    async for event in events:
                        if isinstance(event, Accepted):
                            if accepted:  # by the server before
                                continue
                            accepted = True
                        else:
                            answered = True
                        yield event
            except Refused as refused:
                raise await blamed(self, request, refused) from None
            except ELSEWHERE as error:
                if answered:
                    raise
                failures.append(error)
            else:
                return
        raise self._pool.worst(failures)

    async def _answer(self, endpoint: Endpoint, request: GenerateRequest) -> AsyncGenerator[LLMEvent, None]:
        context = self._capabilities.context_length
        asked = body(request, self._found.model, self._limit, context, vllm=self._found.vllm)
        headers = {**request.trace, "X-Request-Id": request.request_id}
        answer = Answer(endpoint.url, request.sampling.n or 1)
        accepted = False
        async with aclosing(endpoint.stream(path(request.input), asked, headers)) as parts:
            async for part in parts:
                deltas = list(answer.read(part))
                if not accepted:
                    accepted = True
                    count = await self._counted(request, answer.prompt_tokens)
                    if error := too_long(request, count, context):
                        raise error
                    yield Accepted(count)
                for delta in deltas:
                    yield delta
        for finish in answer.finishes():
            yield finish

    async def _counted(self, request: GenerateRequest, told: int | None) -> int | None:
        if not self._capabilities.counts_prompts:
            return None
        return (
            told
            if told is not None
            else await self.count_tokens(request.input, request.render, request.tools)
        )

    async def count_tokens(
        self, input_: Input, render: RenderParams = RenderParams(), tools: Sequence[Tool] = ()
    ) -> int:
        """See `LLM.count_tokens`."""
        try:
            told = await self._pool.call(
                TOKENIZE,
                {"model": self._found.model, **prompt(input_, render, tools, vllm=self._found.vllm)},
            )
        except Refused as refused:
            raise await blamed(None, GenerateRequest("", input_, render=render), refused) from None
        count = int(told["count"])
        return count if render.truncate_prompt_tokens is None else min(count, render.truncate_prompt_tokens)

    def capabilities(self) -> LLMCapabilities:
        """See `LLM.capabilities`."""
        return self._capabilities

    async def health(self) -> Health:
        """See `LLM.health`: it is well while a server is."""
        return self._pool.health()
