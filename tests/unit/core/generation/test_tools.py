import re

import pytest

from jarvis.core.generation.tools import (
    MAX_ARGUMENTS_BYTES,
    MAX_SCHEMA_BYTES,
    MAX_TOOLS,
    check_messages,
    check_tools,
)
from jarvis.core.generation.validation import check_request, check_supported
from jarvis_ports.errors import InvalidArgument, UnsupportedField
from jarvis_ports.llm import LLMCapabilities
from jarvis_ports.values import (
    Constraint,
    GenerateRequest,
    Message,
    Role,
    SamplingParams,
    StructuredOutput,
    Tool,
    ToolCall,
    ToolChoice,
)

MESSAGES = (Message(Role.USER, "Hello"),)
TOOLS = (Tool("a", parameters='{"type": "object"}'), Tool("b"))
DEEP = '{"a": ' * 201 + "1" + "}" * 201
OBJECT = StructuredOutput(Constraint.JSON_OBJECT)


def wrong(input_=MESSAGES, **fields):
    return {found.field: found.description for found in check_tools(GenerateRequest("r", input_, **fields))}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"tools": TOOLS},
        {"tools": TOOLS, "tool_name": "b"},
        {"tools": (Tool("a", parameters='{"a": "\\ud83d\\ude00"}'),)},
        {"tools": TOOLS, "tool_choice": ToolChoice.NONE, "structured_output": OBJECT},
        {"tools": TOOLS, "parallel_tool_calls": False, "tool_choice": ToolChoice.REQUIRED},
        {"tools": tuple(Tool(f"t{number}") for number in range(MAX_TOOLS))},
    ],
)
def test_what_makes_sense_passes(fields):
    assert wrong(**fields) == {}


@pytest.mark.parametrize(
    ("fields", "field", "part"),
    [
        ({"tool_choice": ToolChoice.AUTO}, "tool_choice", "set tools as well"),
        ({"tool_name": "a"}, "tool_name", "set tools as well"),
        ({"parallel_tool_calls": True}, "parallel_tool_calls", "set tools as well"),
        ({"input_": "raw", "tools": TOOLS}, "tools", "needs messages"),
        ({"input_": "raw", "reasoning_effort": "low"}, "reasoning_effort", "needs messages"),
        ({"tools": TOOLS, "structured_output": OBJECT}, "structured_output", "beside tools"),
        ({"tools": TOOLS, "tool_name": "c"}, "tool_name", "'c' is none of the tools: a, b"),
        ({"tools": TOOLS, "tool_name": "a", "tool_choice": ToolChoice.AUTO}, "tool_name", "not both"),
        ({"tools": (Tool("a"), Tool("a"))}, "tools[0].name", "'a' is given twice"),
        ({"tools": (Tool("ä"),)}, "tools[0].name", "1 to 64 letters"),
        ({"tools": (Tool("a" * 65),)}, "tools[0].name", "1 to 64 letters"),
        ({"tools": (Tool("a", parameters=""),)}, "tools[0].parameters", "is no JSON"),
        ({"tools": (Tool("a", parameters=DEEP),)}, "tools[0].parameters", "is nested more than 200 deep"),
        (
            {"tools": (Tool("a", parameters='{"type": ["object"]}'),)},
            "tools[0].parameters",
            "'object', not [",
        ),
        ({"tools": (Tool("a", parameters='{"type": "string"}'),)}, "tools[0].parameters", "not 'string'"),
        (
            {"tools": (Tool("a", parameters='{"a": "\\ud800"}'),)},
            "tools[0].parameters",
            "half of a surrogate",
        ),
        ({"tools": (Tool("a", parameters='{"a": NaN}'),)}, "tools[0].parameters", "NaN is no JSON"),
        ({"tools": (Tool("a", parameters="true"),)}, "tools[0].parameters", "has to be a JSON object"),
        ({"tools": (Tool("a", parameters="[" * 99_999),)}, "tools", "bytes; at most"),
        ({"tools": (Tool("a", parameters="[" * 60_000),)}, "tools[0].parameters", "is nested too deep"),
        ({"tools": tuple(Tool(f"t{n}") for n in range(MAX_TOOLS + 1))}, "tools", "at most 128, got 129"),
    ],
)
def test_what_does_not_is_refused(fields, field, part):
    assert part in wrong(**fields)[field]


@pytest.mark.parametrize(
    ("fields", "form"),
    [
        ({"tools": TOOLS, "tool_choice": ToolChoice.REQUIRED}, "tool_choice"),
        ({"tools": TOOLS, "tool_name": "a"}, "tool_name"),
        ({"tools": TOOLS, "parallel_tool_calls": False}, "parallel_tool_calls"),
        ({"tools": (Tool("a"), Tool("b", strict=True))}, "tools[1].strict"),
        ({"tools": TOOLS}, None),
        ({"tools": (Tool("b", strict=True),), "tool_choice": ToolChoice.NONE}, None),
    ],
)
@pytest.mark.parametrize("name", ["ignore_eos", "min_tokens", "allowed_token_ids"])
def test_parameters_that_would_break_the_form_of_a_call_are_refused(fields, form, name):
    sampling = SamplingParams(
        **{name: {"ignore_eos": True, "min_tokens": 1, "allowed_token_ids": (1,)}[name]}
    )
    request = GenerateRequest("r", MESSAGES, sampling, **fields)
    if form is None:
        check_request(request)
        return
    with pytest.raises(InvalidArgument, match=re.escape(form)) as refused:
        check_request(request)
    assert [found.field for found in refused.value.violations] == [f"sampling.{name}"]


@pytest.mark.parametrize("stop", [{"stop": ('"',)}, {"stop_token_ids": (1,)}])
@pytest.mark.parametrize("fields", [{"tool_choice": ToolChoice.REQUIRED}, {"tool_name": "a"}, {}])
def test_what_would_cut_off_a_call_that_is_asked_for_is_refused(fields, stop):
    request = GenerateRequest("r", MESSAGES, SamplingParams(**stop), tools=TOOLS, **fields)
    if not fields:
        check_request(request)
        return
    with pytest.raises(InvalidArgument, match="would cut off the call that tool_") as refused:
        check_request(request)
    assert [found.field for found in refused.value.violations] == [f"sampling.{name}" for name in stop]


def test_the_schemas_are_bounded_together():
    half = '{"title": "' + "a" * (MAX_SCHEMA_BYTES // 2) + '"}'
    assert wrong(tools=(Tool("a", parameters=half),)) == {}
    assert list(wrong(tools=(Tool("a", parameters=half), Tool("b", parameters=half)))) == ["tools"]


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (Message(Role.ASSISTANT, tool_calls=(ToolCall("1", "a", "{}"),)), []),
        (Message(Role.TOOL, "", tool_call_id="1"), []),
        (Message(Role.ASSISTANT), ["m.content"]),
        (Message(Role.TOOL, "x"), ["m.tool_call_id"]),
        (Message(Role.USER, "x", tool_call_id="1"), ["m.tool_call_id"]),
        (Message(Role.USER, "x", (ToolCall("1", "a", "{}"),)), ["m.tool_calls"]),
        (
            Message(Role.ASSISTANT, tool_calls=(ToolCall("", "a b", "[]"),)),
            ["m.tool_calls[0].id", "m.tool_calls[0].name", "m.tool_calls[0].arguments"],
        ),
    ],
)
def test_messages_of_a_conversation_with_tools(message, fields):
    assert [found.field.replace("messages[0]", "m") for found in check_messages([message])] == fields


def test_the_arguments_of_all_calls_are_bounded_before_they_are_read():
    half = '{"text": "' + "a" * (MAX_ARGUMENTS_BYTES // 2) + '"}'
    message = Message(Role.ASSISTANT, tool_calls=(ToolCall("1", "a", half),))
    assert list(check_messages([message])) == []
    (found,) = check_messages([message, message])
    assert found.field == "messages"
    assert "at most 1000000" in found.description


@pytest.mark.parametrize(
    ("request_", "fields"),
    [
        (GenerateRequest("r", MESSAGES, tools=TOOLS), ["tools"]),
        (GenerateRequest("r", (*MESSAGES, Message(Role.TOOL, "x", tool_call_id="1"))), ["tools"]),
        (GenerateRequest("r", MESSAGES, reasoning_effort="low"), ["reasoning_effort"]),
        (GenerateRequest("r", MESSAGES, structured_output=OBJECT), ["structured_output.json_object"]),
    ],
)
def test_an_engine_that_does_not_declare_them_gets_none(request_, fields):
    with pytest.raises(UnsupportedField) as caught:
        check_supported(request_, LLMCapabilities(10, frozenset({"messages"})))
    assert [found.field for found in caught.value.violations] == fields
