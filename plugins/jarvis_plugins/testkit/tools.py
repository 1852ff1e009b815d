"""The tests of tool calls, for adapters of the `LLM` port that declare `tools`."""

import json

import pytest

from jarvis_plugins.testkit.reply import Reply
from jarvis_plugins.testkit.samples import MESSAGES, TOOLS
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.llm import LLM, FinishReason, Tool, ToolCall, ToolChoice
from jarvis_ports.values import Choice, Finished, Timings, Usage


def calls(reply: Reply, index: int = 0) -> tuple[ToolCall, ...]:
    """Return the tool calls of a choice."""
    end = reply.finishes[index]
    finished = Finished(index, end.reason, end.usage or Usage(0, 0), Timings(0))
    return Choice.joined(reply.deltas.get(index, []), finished).tool_calls


def check_weather(call: ToolCall) -> None:
    """Check that a call of `weather` obeys its schema."""
    arguments = json.loads(call.arguments)
    assert arguments.keys() == {"city", "days"}
    assert isinstance(arguments["city"], str)
    assert len(arguments["city"]) <= 12
    assert arguments["days"] in {1, 2}


class ToolConformance:
    """A part of `LLMConformance`."""

    async def test_a_call_that_is_required_obeys_its_schema_and_is_no_text(self, llm: LLM) -> None:
        self.need(llm, "tools")  # type: ignore[attr-defined]
        # Or a model with random weights never stops calling.
        once = {"parallel_tool_calls": False} if "parallel_tool_calls" in llm.capabilities().fields else {}
        reply = await self.ask(  # type: ignore[attr-defined]
            llm, MESSAGES, tools=TOOLS[:1], tool_choice=ToolChoice.REQUIRED, max_tokens=200, **once
        )
        assert reply.finish.reason is FinishReason.TOOL_CALLS
        assert reply.text().strip() == ""
        assert not reply.finish.unread_tool_call
        made = calls(reply)
        assert made
        assert len({call.id for call in made}) == len(made)
        for call in made:
            assert call.name == "weather"
            check_weather(call)

    async def test_tools_are_counted_with_the_prompt(self, llm: LLM) -> None:
        self.need(llm, "tools", "sampling.max_tokens")  # type: ignore[attr-defined]
        reply = await self.ask(llm, MESSAGES, tools=TOOLS, tool_name="now", max_tokens=1)  # type: ignore[attr-defined]
        counted = await self.count(llm, MESSAGES, tools=TOOLS)  # type: ignore[attr-defined]
        assert reply.accepted.prompt_tokens == counted > await self.count(llm, MESSAGES)  # type: ignore[attr-defined]

    async def test_the_tool_that_is_named_is_called_once(self, llm: LLM) -> None:
        self.need(llm, "tools")  # type: ignore[attr-defined]
        reply = await self.ask(llm, MESSAGES, tools=TOOLS, tool_name="weather", max_tokens=200)  # type: ignore[attr-defined]
        (call,) = calls(reply)
        assert call.name == "weather"
        check_weather(call)

    async def test_a_tool_without_parameters_gets_an_empty_object(self, llm: LLM) -> None:
        self.need(llm, "tools")  # type: ignore[attr-defined]
        reply = await self.ask(llm, MESSAGES, tools=TOOLS, tool_name="now", max_tokens=200)  # type: ignore[attr-defined]
        (call,) = calls(reply)
        assert (call.name, json.loads(call.arguments)) == ("now", {})

    async def test_a_call_that_is_cut_off_leaves_no_text(self, llm: LLM) -> None:
        self.need(llm, "tools", "sampling.max_tokens")  # type: ignore[attr-defined]
        for most in (2, 8, 12):
            reply = await self.ask(llm, MESSAGES, tools=TOOLS, tool_name="weather", max_tokens=most)  # type: ignore[attr-defined]
            assert reply.finish.reason is FinishReason.LENGTH
            assert reply.text().strip() == ""

    async def test_each_choice_has_calls_of_its_own(self, llm: LLM) -> None:
        self.need(llm, "tools", "sampling.n", "sampling.logprobs", "return_token_ids")  # type: ignore[attr-defined]
        reply = await self.ask(  # type: ignore[attr-defined]
            llm,
            MESSAGES,
            steady=False,
            tools=TOOLS,
            tool_choice=ToolChoice.REQUIRED,
            parallel_tool_calls=False,
            n=3,
            logprobs=1,
            return_token_ids=True,
            max_tokens=200,
        )
        made = [call for index in range(3) for call in calls(reply, index)]
        assert len({call.id for call in made}) == len(made) == 3
        assert len(reply.token_ids) == len(reply.logprobs) == reply.completion_tokens

    async def test_a_schema_that_cannot_be_honoured_is_refused_with_its_tool(self, llm: LLM) -> None:
        self.need(llm, "tools")  # type: ignore[attr-defined]
        tools = (*TOOLS, Tool("odd", parameters='{"type": "no such type"}', strict=True))
        with pytest.raises(InvalidArgument) as caught:
            await self.ask(llm, MESSAGES, tools=tools)  # type: ignore[attr-defined]
        assert [found.field for found in caught.value.violations] == ["tools[2].parameters"]
