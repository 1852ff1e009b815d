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
        cls.settings = {"model": str(resolve(DEMO_MODEL)), "dtype": "float32"}
