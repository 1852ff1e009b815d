"""`AsyncLLM` in process: the upper bound for any front end."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from vllm import SamplingParams
from vllm.engine.arg_utils import AsyncEngineArgs
from vllm.sampling_params import RequestOutputKind
from vllm.v1.engine.async_llm import AsyncLLM

from bench.frontend.load import Generate, Reply, timed


@asynccontextmanager
async def start(engine: dict[str, Any]) -> AsyncIterator[Generate]:
    """Run the engine, and read its text as deltas."""
    llm = AsyncLLM.from_engine_args(AsyncEngineArgs(**engine))

    async def generate(prompt: str, tokens: int) -> Reply:
        sampling = SamplingParams(
            temperature=0, max_tokens=tokens, ignore_eos=True, output_kind=RequestOutputKind.DELTA
        )
        outputs = llm.generate(prompt, sampling, uuid.uuid4().hex)
        return await timed(len(output.outputs[0].token_ids) async for output in outputs)

    try:
        yield generate
    finally:
        llm.shutdown()
