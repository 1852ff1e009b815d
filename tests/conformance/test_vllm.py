from pathlib import Path

import pytest

from jarvis.models import resolve
from jarvis.models.catalogue import DEMO_MODEL
from jarvis_plugins.testkit import LLMConformance


@pytest.mark.engine
class TestVLLM(LLMConformance):
    adapter = "vllm"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _real_model(cls) -> None:
        template = Path(__file__).parents[1] / "engine/tools.jinja"
        model = str(resolve(DEMO_MODEL))
        cls.settings = {"model": model, "dtype": "float32", "chat_template": str(template)}

    async def test_callers_do_not_share_what_is_cached_of_prompts(self, llm):
        prompt = "One of many words that callers have in common. " * 40

        async def cached(salt):
            return (await self.ask(llm, prompt, cache_salt=salt)).finish.usage.cached_tokens

        assert [await cached("a"), await cached("b"), await cached("")] == [0, 0, 0]
        assert min([await cached("a"), await cached("b"), await cached("")]) > 0
