"""What all tests of an adapter for the `LLM` port share."""

import asyncio
from typing import Any, ClassVar

import pytest

from jarvis_plugins.registry import PortName
from jarvis_plugins.testkit.base import AdapterConformance
from jarvis_plugins.testkit.reply import Reply, read, request, spoken
from jarvis_ports.llm import LLM, Input


@pytest.mark.asyncio(loop_scope="class")
class LLMTests(AdapterConformance):
    """Opens the adapter and asks it."""

    port = PortName.LLM
    seconds: ClassVar[float] = 60.0
    """The most seconds that the answers of one test may take."""

    @pytest.fixture(scope="class")
    @classmethod
    def llm(cls, opened: LLM) -> LLM:
        return opened

    def need(self, llm: LLM, *fields: str) -> None:
        """Skip the test if the adapter does not declare all of the fields."""
        if missing := set(fields) - llm.capabilities().fields:
            pytest.skip(f"{self.adapter} does not declare {', '.join(sorted(missing))}")

    async def count(self, llm: LLM, input_: Input, *args: Any, **fields: Any) -> int:  # noqa: ANN401
        """Count the tokens of an input; skip the test if the adapter does not declare that it counts."""
        if not llm.capabilities().counts_prompts:
            pytest.skip(f"{self.adapter} does not declare counts_prompts")
        return await llm.count_tokens(spoken(llm, input_), *args, **fields)

    async def ask(self, llm: LLM, *args: Any, **fields: Any) -> Reply:  # noqa: ANN401
        """Read a whole answer; the arguments are those of `request`."""
        return await asyncio.wait_for(read(llm, request(llm, *args, **fields)), self.seconds)

    async def use(self, adapter: LLM) -> None:
        await self.ask(adapter)
