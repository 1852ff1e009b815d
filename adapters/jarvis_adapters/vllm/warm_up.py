"""Sends an engine its first requests before there are callers, who would wait for what those set up.

They make vLLM import modules that it imports late, and Triton compile kernels at their first use.
"""

import logging
from contextlib import aclosing
from typing import Any

from vllm.sampling_params import SamplingParams
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.engine.exceptions import EngineDeadError

from jarvis_adapters.vllm import compilation
from jarvis_adapters.vllm.control_tokens import ControlTokens
from jarvis_adapters.vllm.render import render

logger = logging.getLogger(__name__)

REQUESTS = [
    SamplingParams(temperature=0),
    SamplingParams(top_k=5),
    SamplingParams(top_p=0.5),
    SamplingParams(top_k=5, top_p=0.5, min_p=0.1, seed=1, n=2),
    SamplingParams(presence_penalty=1, frequency_penalty=1, repetition_penalty=1.2),
    SamplingParams(logprobs=1, stop=["a"], min_tokens=1, logit_bias={0: 1.0}),
    SamplingParams(prompt_logprobs=1),
]
"""Requests that use all that a caller can ask for, except a constraint: see `constraints.open.warm`."""


async def warm_up(engine: AsyncLLM) -> None:
    """Use all that a request can ask for; after that, nothing is compiled any more.

    Raises:
        EngineDeadError: the engine died of a request.
    """
    if engine.model_config.enforce_eager:
        await compilation.never(engine)
    prompt = await render(engine.renderer, ControlTokens(engine.get_tokenizer()), "a")
    for number, params in enumerate(REQUESTS):
        try:
            await _run(engine, prompt, params, f"warm-up-{number}")
        except EngineDeadError:
            raise
        except Exception as error:  # noqa: BLE001 - what this model cannot do, it cannot do for callers either
            logger.info("not warmed up: %s: %s", params, error)
    await compilation.no_more(engine)


async def _run(engine: AsyncLLM, prompt: Any, params: SamplingParams, name: str) -> None:  # noqa: ANN401 - vLLM's own form
    params = params.clone()
    params.max_tokens = 2
    async with aclosing(engine.generate(prompt, params, name)) as outputs:
        async for _ in outputs:
            pass
