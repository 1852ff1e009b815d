"""Opens what compiles constraints for an engine, and warms it up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from copy import copy
from typing import Any

from vllm.utils.mistral import is_mistral_tokenizer
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.structured_output.backend_guidance import GuidanceBackend

from jarvis_adapters.vllm.constraints.checker import Checker
from jarvis_adapters.vllm.constraints.settings import StructuredOutputSettings
from jarvis_ports.errors import EngineStartFailed, JarvisError
from jarvis_ports.llm import LLM, Constraint, GenerateRequest, SamplingParams, StructuredOutput


@asynccontextmanager
async def open_checker(
    settings: StructuredOutputSettings, engine: AsyncLLM, notes: list[str]
) -> AsyncIterator[Checker | None]:
    """Start a checker; yield None if it is turned off, or llguidance cannot read the tokenizer.

    Raises:
        EngineStartFailed: its process does not start.
    """
    if settings.backend == "none":
        yield None
        return
    tokenizer = engine.get_tokenizer()
    if is_mistral_tokenizer(tokenizer) or not GuidanceBackend.is_tokenizer_supported(tokenizer):
        notes.append("no structured output: llguidance reads none but fast tokenizers")
        yield None
        return
    checker = Checker(settings, await asyncio.to_thread(_prepare, engine, tokenizer))
    async with checker:
        yield checker


def _prepare(engine: AsyncLLM, tokenizer: Any) -> dict[str, Any]:  # noqa: ANN401 - of transformers
    """Describe a tokenizer for the process that compiles, as `llguidance.hf` does for the engine."""
    fast = copy(tokenizer.backend_tokenizer)
    fast.no_padding()
    fast.no_truncation()
    configured = engine.vllm_config
    return {
        "tokenizer": fast.to_str(),
        "vocab_size": max(configured.model_config.get_vocab_size(), len(tokenizer)),
        "eos_token": tokenizer.eos_token_id,
        "whitespace": not configured.structured_outputs_config.disable_any_whitespace,
    }


async def warm(llm: LLM) -> None:
    """Run a request with a constraint, for which the engine has to prepare once.

    Raises:
        EngineStartFailed: the request fails.
    """
    constraint = StructuredOutput(Constraint.REGEX, "a")
    request = GenerateRequest("warm-up", "a", SamplingParams(max_tokens=1), constraint)
    try:
        async for _ in llm.generate(request):
            pass
    except JarvisError as error:
        msg = f"structured output does not work: {error}"
        raise EngineStartFailed(msg) from None
