"""The `LLM` port on a running `AsyncLLM`."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from types import MappingProxyType
from typing import Any

from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError

from jarvis_adapters.vllm.constraints.checker import Checker
from jarvis_adapters.vllm.convert import Outputs, sampling_params, with_and_without_space
from jarvis_adapters.vllm.dialect import Dialect
from jarvis_adapters.vllm.errors import dead, translated
from jarvis_adapters.vllm.failures import FailureLog
from jarvis_adapters.vllm.hang import HangWatch
from jarvis_adapters.vllm.images import ImageDecoder
from jarvis_adapters.vllm.long_prompts import LongPrompts, characters
from jarvis_adapters.vllm.lora import Weights
from jarvis_adapters.vllm.metrics import metrics_of
from jarvis_adapters.vllm.render import render
from jarvis_adapters.vllm.template import check_arguments, template_arguments
from jarvis_adapters.vllm.tokens import Vocabulary
from jarvis_ports.errors import ContextLengthExceeded
from jarvis_ports.health import Health
from jarvis_ports.llm import (
    GenerateRequest,
    Input,
    LLMCapabilities,
    LLMEvent,
    Raw,
    RenderParams,
    TextInput,
    TokenIds,
    Tool,
    input_field,
)


class VLLM:
    """A model that vLLM serves.

    Args:
        engine: the engine.
        capabilities: what it can do.
        failures: knows why it died.
        watch: notices that it hangs.
        checker: compiles constraints; None if the model takes none.
        dialect: knows how calls of tools and reasoning are written.
        share_prefixes: whether requests with another `cache_salt` share what is cached of prompts.
    """

    def __init__(  # noqa: PLR0913 - all that it is made of
        self,
        engine: AsyncLLM,
        capabilities: LLMCapabilities,
        failures: FailureLog,
        watch: HangWatch,
        checker: Checker | None,
        *,
        dialect: Dialect,
        share_prefixes: bool,
    ) -> None:
        engine.input_processor.structured_outputs_config = None  # or vLLM checks again, on the event loop
        self._engine = engine
        self._failures = failures
        self._watch = watch
        self._checker = checker
        self._share_prefixes = share_prefixes
        self._defaults = engine.model_config.get_diff_sampling_param()
        self._traces = engine.observability_config.otlp_traces_endpoint is not None
        self._capabilities = capabilities
        self._metrics = metrics_of(engine)
        self._tokenizer = engine.get_tokenizer()
        self._control = dialect.control
        self._dialect = dialect
        self._images = ImageDecoder()
        self._long_prompts = LongPrompts()
        self._most_characters = capabilities.context_length * self._tokenizer.max_chars_per_token
        self._vocabulary = Vocabulary(engine)
        self._weights = Weights(engine, failures)
        self._template_arguments = template_arguments(self._control)

    def close(self) -> None:
        """End its threads, once the engine is stopped."""
        self._images.close()
        self._vocabulary.close()

    async def generate(self, request: GenerateRequest) -> AsyncGenerator[LLMEvent, None]:
        """See `LLM.generate`; `Accepted` comes with the first output."""
        with translated(request):
            wanted = request.structured_output
            grammar = await self._checker.compiled(wanted) if wanted and self._checker else None
            self._control.check_tools(request.tools)
            asked = self._dialect.asked(request)
            if asked and asked.tools:
                grammar = await asked.constraint(self._checker)
            arguments = asked.arguments if asked else self._dialect.template_arguments(request)
            self._check_length(request)
            salt = "" if self._share_prefixes else request.cache_salt
            rendered = await self._render(request.input, request.render, arguments, salt)
            if salt:
                rendered["cache_salt"] = salt
            prompt_tokens = len(rendered["prompt_token_ids"])
            if request.sampling.prompt_logprobs is not None:
                self._vocabulary.check_prompt_logprobs(prompt_tokens)
            stops = self._control.stops(request.sampling)
            room = self._room(request, prompt_tokens)
            bad = with_and_without_space(request.sampling.bad_words, self._tokenizer)
            params = sampling_params(request, self._defaults, room, stops, bad, grammar)
            if asked and asked.keeps_special_tokens and request.sampling.skip_special_tokens is None:
                params.skip_special_tokens = False
            outputs = Outputs(request, rendered["prompt_token_ids"], stops, asked)
            stream = self._engine.generate(
                rendered,
                params,
                request.request_id,
                lora_request=self._weights.request(request.weights),
                priority=request.priority or 0,
                trace_headers=request.trace if self._traces else None,
                # A raw prompt's answer is what it is: no part of it is reasoning, and all of it has its form.
                reasoning_ended=True if isinstance(request.input, Raw) else None,
                reasoning_parser_kwargs={"chat_template_kwargs": arguments}
                if self._dialect.reasons
                else None,
            )
            accepted = False
            async with aclosing(stream):
                async for output in stream:
                    events = list(outputs.events(output))
                    if not accepted:
                        accepted = True
                        yield outputs.accepted(output, rendered["prompt_token_ids"])
                    for event in events:
                        yield event

    async def count_tokens(
        self, input_: Input, render: RenderParams = RenderParams(), tools: Sequence[Tool] = ()
    ) -> int:
        """See `LLM.count_tokens`."""
        request = GenerateRequest("", input_, render=render, tools=tuple(tools))
        with translated(request):
            self._control.check_tools(tools)
            arguments = self._dialect.template_arguments(request)
            return len((await self._render(input_, render, arguments))["prompt_token_ids"])

    async def tokenize(self, input_: TextInput, render: RenderParams = RenderParams()) -> Sequence[int]:
        """See `TellsTokens.tokenize`."""
        with translated(GenerateRequest("", input_)):
            token_ids: list[int] = (await self._render(input_, render))["prompt_token_ids"]
            return token_ids

    async def token_texts(self, token_ids: Sequence[int]) -> Sequence[str]:
        """See `TellsTokens.token_texts`."""
        return await self._vocabulary.texts(token_ids)

    async def detokenize(self, token_ids: Sequence[int]) -> str:
        """See `TellsTokens.detokenize`."""
        return await self._vocabulary.text(token_ids)

    def capabilities(self) -> LLMCapabilities:
        """See `LLM.capabilities`."""
        return self._capabilities

    async def load_weights(self, name: str, folder: Path) -> None:
        """See `TakesWeights.load_weights`."""
        await self._weights.load(name, folder)

    async def unload_weights(self, name: str) -> None:
        """See `TakesWeights.unload_weights`."""
        await self._weights.unload(name)

    @property
    def can_sleep(self) -> bool:
        """See `Sleeps.can_sleep`: with `engine_args.enable_sleep_mode`, which needs a GPU."""
        return bool(self._engine.model_config.enable_sleep_mode)

    async def sleep(self) -> None:
        """See `Sleeps.sleep`: the weights move to the memory of the host, and the cache is dropped."""
        with dead():
            await self._engine.sleep(level=1)

    async def wake(self) -> None:
        """See `Sleeps.wake`."""
        with dead():
            await self._engine.wake_up()

    def kv_cache_usage(self) -> float | None:
        """See `TellsCacheUsage.kv_cache_usage`."""
        return self._metrics.cache_usage if self._metrics else None

    async def health(self) -> Health:
        """See `LLM.health`. vLLM watches the engine's process, and every answer that fails."""
        if self._watch.message:
            return Health(ok=False, message=self._watch.message)
        try:
            await self._engine.check_health()
        except EngineDeadError:
            return Health(ok=False, message=self._failures.root_cause() or "the engine's process has ended")
        return Health(ok=True)

    async def _render(
        self,
        input_: Input,
        params: RenderParams,
        arguments: Mapping[str, Any] = MappingProxyType({}),
        salt: str = "",
    ) -> Any:  # noqa: ANN401 - vLLM's own form
        """Return an input in vLLM's form, checked by the model's vocabulary and its chat template."""
        if isinstance(input_, TokenIds):
            self._vocabulary.check_prompt(input_.ids)
        check_arguments(self._template_arguments, params.chat_template_args)
        async with self._images.decoded(input_, salt) as pictures, self._long_prompts.turn(input_):
            return await render(self._engine.renderer, self._control, input_, params, arguments, pictures)

    def _check_length(self, request: GenerateRequest) -> None:
        """Check that a prompt can fit, before its tokens are counted; raise what `_room` raises."""
        found = characters(request.input)
        if found > self._most_characters and request.render.truncate_prompt_tokens is None:
            raise ContextLengthExceeded(
                field=input_field(request.input),
                prompt_tokens=found // self._tokenizer.max_chars_per_token,
                at_least=True,
                max_tokens=0,
                context_length=self._capabilities.context_length,
            )

    def _room(self, request: GenerateRequest, prompt_tokens: int) -> int:
        """Return how many tokens the answer may have.

        Raises:
            ContextLengthExceeded: there is no room, or less than the request asks for.
        """
        context, wanted = self._capabilities.context_length, request.sampling.max_tokens or 0
        room = context - prompt_tokens
        if room < 1:
            field = input_field(request.input)
        elif wanted > room:
            field = "sampling.max_tokens"
        else:
            return room
        raise ContextLengthExceeded(
            field=field, prompt_tokens=prompt_tokens, max_tokens=wanted, context_length=context
        )
