"""An engine that is closed under a stream, as one that hung is, before vLLM itself has seen that."""

import asyncio

import pytest

from jarvis_adapters.vllm import open_vllm
from jarvis_adapters.vllm.settings import VLLMSettings
from jarvis_ports.errors import EngineDead
from jarvis_ports.llm import GenerateRequest, SamplingParams

pytestmark = pytest.mark.engine


async def test_a_stream_that_is_open_as_its_engine_is_closed_is_told(tiny_folder):
    arguments = {"kv_cache_memory_bytes": 2**28}
    settings = VLLMSettings(model=str(tiny_folder), dtype="float32", engine_args=arguments)
    request = GenerateRequest("1", "Once", SamplingParams(max_tokens=2000, ignore_eos=True, temperature=0.0))

    async def read():
        async for _ in llm.generate(request):
            pass

    async with open_vllm(settings) as llm:
        reading = asyncio.create_task(read())
        while not llm._engine.output_processor.has_unfinished_requests():
            await asyncio.sleep(0)  # not until it has begun: a loop that stood still has it all then
        llm._engine.output_handler.cancel()  # as vLLM's shutdown does, at times before that has told anyone
    with pytest.raises(EngineDead):
        await asyncio.wait_for(reading, 10)
