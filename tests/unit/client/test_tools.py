"""Python functions as tools, and the loop that runs them."""

import asyncio
import json
from functools import partial
from typing import Annotated, Literal

import pytest
from pydantic import Field

from jarvis.client import BlockingClient, JarvisClient, Message, Retrieval, Role, Tool, ToolCall, tool_of
from jarvis.client.functions import Toolbox
from jarvis.v1 import generation_pb2 as pb
from tests.unit.conftest import TIMINGS, USAGE

UNITS = Literal["C", "F"]


def weather(city: Annotated[str, Field(description="Its name.")], unit: UNITS = "C", days: int | None = None):
    """Tell the weather of a city."""
    if city == "Atlantis":
        msg = "no such city"
        raise ValueError(msg)
    return {"city": city, "unit": unit, "days": days}


async def now():
    """Tell the time."""
    return "noon"


def broken():
    raise RuntimeError("a fault of ours")


def test_a_function_is_a_tool_by_its_hints():
    tool = tool_of(weather, strict=True)
    assert (tool.name, tool.description, tool.strict) == ("weather", "Tell the weather of a city.", True)
    schema = json.loads(tool.parameters)
    assert schema["properties"]["city"]["description"] == "Its name."
    assert schema["properties"]["unit"]["enum"] == ["C", "F"]
    assert schema["required"] == ["city"]
    assert schema["additionalProperties"] is False
    assert tool_of(tool) is tool


def test_a_hint_that_no_json_has_is_told():
    def odd(what: object()):
        return what

    with pytest.raises(TypeError, match="odd cannot be a tool: "):
        tool_of(odd)


def test_what_has_no_name_is_told():
    with pytest.raises(TypeError, match="has no name that a model could call: define a function"):
        tool_of(partial(weather, "Rome"))
    with pytest.raises(TypeError, match="has no name"):
        Toolbox([partial(weather, "Rome")])


@pytest.mark.parametrize(
    ("call", "result"),
    [
        (("weather", '{"city": "Rome"}'), {"city": "Rome", "unit": "C", "days": None}),
        (("weather", '{"city": "Atlantis"}'), "error: no such city"),
        (("rain", "{}"), "error: there is no tool 'rain'; one of weather, broken"),
        (("weather", "[]"), "error: the arguments have to be a JSON object"),
    ],
)
def test_a_call_runs_its_function(call, result):
    assert Toolbox([weather, broken, Tool("mine")]).run(ToolCall("1", *call)) == result


@pytest.mark.parametrize("arguments", ['{"city": 5}', '{"city": "Rome", "more": 1}', "{", '{"unit": "K"}'])
def test_arguments_that_do_not_fit_are_told_to_the_model(arguments):
    assert Toolbox([weather]).run(ToolCall("1", "weather", arguments)).startswith("error: ")


def test_a_fault_of_a_function_is_the_callers():
    with pytest.raises(RuntimeError, match="a fault of ours"):
        Toolbox([broken]).run(ToolCall("1", "broken", "{}"))


def answer(*calls, text=""):
    reason = pb.FINISH_REASON_TOOL_CALLS if calls else pb.FINISH_REASON_STOP
    made = [pb.ToolCall(id=f"{name}-1", name=name, arguments=arguments) for name, arguments in calls]
    choice = pb.Choice(text=text, reason=reason, tool_calls=made)
    return pb.GenerateResponse(request_id="r", model="m", choices=[choice], usage=USAGE, timings=TIMINGS)


async def test_the_loop_runs_what_the_model_calls(fake):
    fake.answers = [
        answer(("weather", '{"city": "Rome"}'), ("now", "{}")),
        answer(("weather", '{"city": "Atlantis"}')),
        answer(text="Sunny at noon."),
    ]
    async with JarvisClient(fake.address) as client:
        found = await client.run_tools("How is Rome?", tools=[weather, now], max_tokens=9)

    assert found.answer.text == "Sunny at noon."
    roles = [message.role for message in found.messages]
    assert roles == [
        Role.USER,
        Role.ASSISTANT,
        Role.TOOL,
        Role.TOOL,
        Role.ASSISTANT,
        Role.TOOL,
        Role.ASSISTANT,
    ]
    assert found.messages[2] == Message(
        Role.TOOL, '{"city": "Rome", "unit": "C", "days": null}', tool_call_id="weather-1"
    )
    assert found.messages[3].content == "noon"
    assert found.messages[5].content == "error: no such city"
    assert [len(request.messages) for request in fake.requests] == [1, 4, 6]
    assert {tool.name for request in fake.requests for tool in request.tools} == {"weather", "now"}
    assert {request.sampling.max_tokens for request in fake.requests} == {9}


async def test_the_loop_ends_after_its_rounds(fake):
    fake.answers = [answer(("now", "{}")) for _ in range(9)]
    async with JarvisClient(fake.address) as client:
        found = await client.run_tools("Go on", tools=[now], rounds=2)
        with pytest.raises(ValueError, match="retrieval is for a question"):
            await client.run_tools("Go on", tools=[now], retrieval=Retrieval("docs"))
    assert len(fake.requests) == 3
    assert found.answer.tool_calls
    assert found.messages[-1].tool_calls


async def test_a_blocking_client_has_the_loop_as_well(fake):
    fake.answers = [answer(("weather", '{"city": "Rome"}')), answer(text="Sunny.")]

    def run():
        with BlockingClient(fake.address) as client:
            return client.run_tools("How is Rome?", tools=[weather])

    assert (await asyncio.to_thread(run)).answer.text == "Sunny."
