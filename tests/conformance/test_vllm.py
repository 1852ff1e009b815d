import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from bench import tiny_model, tiny_vision
from jarvis_plugins.testkit import LLMConformance
from jarvis_ports.errors import EngineDead
from jarvis_ports.llm import GenerateRequest, SamplingParams


@pytest.mark.engine
class TestVLLM(LLMConformance):
    adapter = "vllm"
    left_open: asyncio.Task[None] | None

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _tiny_model(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        template, folder = Path(__file__).parents[1] / "engine/tools.jinja", tmp_path_factory.mktemp("models")
        cls.settings = {
            "model": str(tiny_vision.make(folder / "vision", tiny_model.make(folder / "tiny"))),
            "dtype": "float32",
            "chat_template": str(template),
            # A model with random weights never ends a run of white space.
            "engine_args": {"structured_outputs_config": {"disable_any_whitespace": True}},
        }

    @pytest_asyncio.fixture(scope="class", loop_scope="class", autouse=True)
    @classmethod
    async def _a_stream_that_is_open_as_the_engine_is_closed_is_told(cls) -> AsyncIterator[None]:
        cls.left_open = None
        yield
        if cls.left_open:
            with pytest.raises(EngineDead):
                await asyncio.wait_for(cls.left_open, 10)

    async def test_it_sees_although_its_template_knows_no_images(self, llm):
        assert "messages.parts.image" in llm.capabilities().fields

    async def test_callers_do_not_share_what_is_cached_of_prompts(self, llm):
        prompt = "One of many words that callers have in common. " * 40

        async def cached(salt):
            return (await self.ask(llm, prompt, cache_salt=salt)).finish.usage.cached_tokens

        assert [await cached("a"), await cached("b"), await cached("")] == [0, 0, 0]
        assert min([await cached("a"), await cached("b"), await cached("")]) > 0

    async def test_it_answers_after_a_sleep_in_which_a_cpu_keeps_its_memory(self, llm):
        assert not llm.can_sleep
        before = await self.ask(llm, "Once")
        await llm.sleep()
        assert await llm._engine.is_sleeping()
        assert (await llm.health()).ok
        await llm.wake()
        assert (await self.ask(llm, "Once")).text() == before.text()

    @pytest.mark.last
    async def test_a_stream_is_left_open_and_what_would_tell_it_that_the_engine_is_closed_has_ended(
        self, llm: Any
    ) -> None:
        request = GenerateRequest("1", "Once", SamplingParams(max_tokens=2000, ignore_eos=True))

        async def read() -> None:
            async for _ in llm.generate(request):
                pass

        type(self).left_open = asyncio.create_task(read())
        while not llm._engine.output_processor.has_unfinished_requests():
            await asyncio.sleep(0)  # not until it has begun: a loop that stood still has it all then
        llm._engine.output_handler.cancel()  # as vLLM's shutdown does, at times before that has told anyone
        await asyncio.sleep(0.1)
        assert not type(self).left_open.done()
