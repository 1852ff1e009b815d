from pathlib import Path

import pytest

from bench import tiny_model
from jarvis_plugins.testkit import LLMConformance


@pytest.mark.engine
class TestVLLM(LLMConformance):
    adapter = "vllm"

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def _tiny_model(cls, tmp_path_factory: pytest.TempPathFactory) -> None:
        template = Path(__file__).parents[1] / "engine/tools.jinja"
        model = str(tiny_model.make(tmp_path_factory.mktemp("models") / "tiny"))
        arguments = {"structured_outputs_config": {"disable_any_whitespace": True}}  # it would never end
        cls.settings = {
            "model": model,
            "dtype": "float32",
            "chat_template": str(template),
            "engine_args": arguments,
        }

    async def test_callers_do_not_share_what_is_cached_of_prompts(self, llm):
        prompt = "One of many words that callers have in common. " * 40

        async def cached(salt):
            return (await self.ask(llm, prompt, cache_salt=salt)).finish.usage.cached_tokens

        assert [await cached("a"), await cached("b"), await cached("")] == [0, 0, 0]
        assert min([await cached("a"), await cached("b"), await cached("")]) > 0
