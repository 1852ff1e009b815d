"""What is asked of servers, and found out about them."""

import asyncio
import logging
from contextlib import aclosing

import pytest
from aiohttp import web
from pydantic import ValidationError

from jarvis_openai.settings import OpenAISettings
from jarvis_ports.errors import EngineFailure, EngineStartFailed, UnsupportedField
from jarvis_ports.llm import (
    Accepted,
    Constraint,
    FinishReason,
    GenerateRequest,
    Message,
    Role,
    SamplingParams,
    StructuredOutput,
    Tool,
    Usage,
)

CHAT, RAW = "/v1/chat/completions", "/v1/completions"
HELLO = (Message(Role.USER, "Hello"),)
KEY = "sk-a-secret-of-the-operator"


async def answer(llm, input_=HELLO, **fields):
    async with aclosing(llm.generate(GenerateRequest("r-1", input_, **fields))) as events:
        return [event async for event in events]


async def taken(request, body):
    return web.json_response({"count": 1, "choices": []})


async def test_a_server_of_chats_alone_takes_no_prompts(server, opened):
    async with opened(server) as llm:
        capabilities = llm.capabilities()
        assert "messages" in capabilities.fields
        assert "prompt" not in capabilities.fields
        assert not capabilities.counts_prompts
        assert capabilities.exact_usage
        accepted, *_, finish = await answer(llm)
        assert accepted == Accepted(None)
        assert finish.usage == Usage(3, 2)


async def test_a_server_of_prompts_alone_takes_no_chats(server, opened, stream):
    async def refused(request, body):
        return web.json_response({"error": {"message": "no chat template"}}, status=400)

    async def raw(request, body):
        parts = [{"choices": [{"index": 0, "text": "Hi", "finish_reason": "length"}]}]
        return await stream(request, parts) if body.get("stream") else await taken(request, body)

    server.says |= {CHAT: refused, RAW: raw}
    async with opened(server) as llm:
        assert "prompt" in llm.capabilities().fields
        assert not {field for field in llm.capabilities().fields if "message" in field or "tool" in field}
        assert not llm.capabilities().exact_usage
        *_, finish = await answer(llm, "Hello")
        assert (finish.reason, finish.usage) == (FinishReason.LENGTH, None)
        wanted = StructuredOutput(Constraint.JSON_OBJECT)
        with pytest.raises(UnsupportedField):
            await answer(llm, "Hello", structured_output=wanted)


async def test_what_a_server_refuses_is_not_declared(server, opened, stream):
    async def simple(request, body):
        words = [message["content"] for message in body["messages"]]
        if body.keys() & {"tools", "response_format"} or len(words) > 1 or isinstance(words[0], list):
            return web.json_response({"error": {"message": "too much"}}, status=422)
        return await stream(request) if body.get("stream") else await taken(request, body)

    server.says[CHAT] = simple
    async with opened(server) as llm:
        others = {field for field in llm.capabilities().fields if not field.startswith("sampling.")}
        assert others == {"messages"}


async def test_a_model_that_has_another_limit_gets_it(server, opened, stream):
    async def reasons(request, body):
        if "max_tokens" in body:
            return web.json_response({"error": {"message": "use max_completion_tokens"}}, status=400)
        return await stream(request) if body.get("stream") else await taken(request, body)

    server.says[CHAT] = reasons
    async with opened(server) as llm:
        await answer(llm, sampling=SamplingParams(max_tokens=7))
        assert server.bodies()[-1]["max_completion_tokens"] == 7


async def test_a_server_in_trouble_is_not_taken_for_one_that_can_less(server, opened):
    async def fails(request, body):
        return web.json_response({"error": {"message": "try later"}}, status=500)

    server.says[CHAT] = fails
    with pytest.raises(EngineStartFailed, match="answered 500: try later"):
        async with opened(server):
            pass


async def test_fields_are_sent_by_their_names(server, opened):
    async with opened(server) as llm:
        tools = (Tool("now"), Tool("weather", "Tells it.", '{"type": "object"}', strict=True))
        form = StructuredOutput(Constraint.JSON_SCHEMA, '{"type": "object"}')
        sampling = SamplingParams(temperature=0.0, stop=("a", "b"), logit_bias={5: 1.0}, max_tokens=9)
        await answer(llm, sampling=sampling, tools=tools, tool_name="now", structured_output=form)
        sent = server.bodies()[-1]
    assert sent == {
        "model": "m",
        "stream": True,
        "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "Hello"}],
        "temperature": 0.0,
        "stop": ["a", "b"],
        "logit_bias": {"5": 1.0},
        "max_tokens": 9,
        "tools": [
            {
                "type": "function",
                "function": {"name": "now", "parameters": {"type": "object", "properties": {}}},
            },
            {
                "type": "function",
                "function": {
                    "name": "weather",
                    "description": "Tells it.",
                    "parameters": {"type": "object"},
                    "strict": True,
                },
            },
        ],
        "tool_choice": {"type": "function", "function": {"name": "now"}},
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": {"type": "object"}, "strict": True},
        },
    }


async def test_a_trace_and_the_id_go_along(server, opened):
    async with opened(server) as llm:
        await answer(llm, trace={"traceparent": "00-1-2-01"})
    headers = [headers for path, _, headers in server.asked if path == CHAT][-1]
    assert headers["traceparent"] == "00-1-2-01"
    assert headers["X-Request-Id"] == "r-1"


async def test_calls_of_tools_are_read_in_parts(server, opened, stream, part, usage):
    def call(index, id_=None, name=None, arguments=""):
        function = {"name": name, "arguments": arguments}
        return part(tool_calls=[{"index": index, "id": id_, "function": function}])

    async def calls(request, body):
        parts = [
            call(0, "a", "now"),
            call(1, "b", "f", '{"x"'),
            call(1, arguments=": 1}"),
            part(finish="stop"),
            usage,
        ]
        return await stream(request, parts)

    async with opened(server) as llm:
        server.says[CHAT] = calls
        _, *deltas, finish = await answer(llm)
    assert finish.reason is FinishReason.TOOL_CALLS
    assert not finish.unread_tool_call
    told = [one for delta in deltas for one in delta.tool_calls]
    assert [(one.index, one.id, one.name) for one in told if one.id] == [(0, "a", "now"), (1, "b", "f")]
    assert ["".join(one.arguments for one in told if one.index == index) for index in (0, 1)] == [
        "{}",
        '{"x": 1}',
    ]


async def test_an_answer_that_a_filter_has_cut_is_a_failure(server, opened, stream, part):
    async def filtered(request, body):
        return await stream(request, [part("Hel"), part(finish="content_filter")])

    async with opened(server) as llm:
        server.says[CHAT] = filtered
        with pytest.raises(EngineFailure, match="content_filter"):
            await answer(llm)


async def test_no_header_is_sent_without_a_key(server, opened, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_ORG_ID", "org")
    async with opened(server) as llm:
        await answer(llm)
    assert not [
        headers for _, _, headers in server.asked if {"Authorization", "OpenAI-Organization"} & headers.keys()
    ]


async def test_the_key_is_in_no_log(server, opened, caplog):
    caplog.set_level(logging.DEBUG)

    async def refused(request, body):
        return web.json_response({"error": {"message": "who are you?"}}, status=401)

    async with opened(server, api_key=KEY) as llm:
        await answer(llm)
        server.says[CHAT] = refused
        with pytest.raises(EngineFailure) as caught:
            await answer(llm)
    assert server.asked[-1][2]["Authorization"] == f"Bearer {KEY}"
    assert caplog.records
    assert KEY not in caplog.text + str(caught.value)


async def test_a_key_that_changes_in_its_file_is_used(server, opened, tmp_path):
    file = tmp_path / "key"
    file.write_text("one\n")
    async with opened(server, api_key_file=str(file)) as llm:
        file.write_text("two\n")
        await answer(llm)
    keys = [headers["Authorization"] for _, _, headers in server.asked]
    assert (keys[0], keys[-1]) == ("Bearer one", "Bearer two")


async def test_a_key_that_cannot_be_read_is_told(server, opened, tmp_path):
    with pytest.raises(EngineStartFailed, match="No such file"):
        async with opened(server, api_key_file=str(tmp_path / "none")):
            pass


async def test_many_answers_at_once(server, opened, stream):
    async def slowly(request, body):
        return await stream(request, pause=0.1)

    async with opened(server) as llm:
        server.says[CHAT] = slowly
        answers = await asyncio.wait_for(asyncio.gather(*(answer(llm) for _ in range(50))), 30)
    assert {len(events) for events in answers} == {4}


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"base_urls": []}, "at least 1"),
        ({"base_urls": ["10.0.0.7:8000"]}, "must be like http"),
        ({"base_urls": ["http://me:secret@host/v1"]}, "must have no password"),
        ({"base_urls": ["http://h/v1"], "api_key": "a", "api_key_file": "b"}, "leave one of them out"),
    ],
)
def test_what_makes_no_sense_is_refused(settings, says):
    with pytest.raises(ValidationError, match=says):
        OpenAISettings.model_validate(settings)
