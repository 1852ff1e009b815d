"""Writes a request as OpenAI's API has it, and with vLLM's additions where the server is vLLM."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from jarvis_ports.errors import UnsupportedField
from jarvis_ports.images import type_of
from jarvis_ports.llm import Constraint, GenerateRequest, Image, Input, Message, RenderParams, TokenIds, Tool

CHAT, RAW = "/chat/completions", "/completions"
OPENAI = ("temperature", "top_p", "presence_penalty", "frequency_penalty", "seed", "n", "stop", "logit_bias")
"""The sampling parameters of OpenAI's API, beside max_tokens."""
VLLM = {
    **{
        name: name
        for name in (
            *("top_k", "min_p", "repetition_penalty", "min_tokens", "ignore_eos", "skip_special_tokens"),
            *("allowed_token_ids", "bad_words"),
        )
    },
    "include_stop": "include_stop_str_in_output",
}
"""What vLLM calls further sampling parameters."""


def path(input_: Input) -> str:
    """Return where an input is sent."""
    return RAW if isinstance(input_, str) else CHAT


def body(
    request: GenerateRequest, model: str, max_tokens: str, context_length: int, *, vllm: bool
) -> dict[str, Any]:
    """Return the body of a request for a stream.

    Args:
        request: what to generate.
        model: the model's name at the server.
        max_tokens: what the server calls the most tokens of an answer to a conversation.
        context_length: the tokens that prompt and answer have at most.
        vllm: whether the server is vLLM.

    Raises:
        UnsupportedField: a raw prompt's answer is to have a form, and the server takes that in chats alone.
    """
    raw = isinstance(request.input, str)
    sampling = request.sampling
    names = {**{name: name for name in OPENAI}, "max_tokens": "max_tokens" if raw else max_tokens}
    made = {
        "model": model,
        "stream": True,
        "stream_options": {"include_usage": True},
        **prompt(request.input, request.render, request.tools, vllm=vllm, must_call=request.must_call),
        **_given(sampling, names | (VLLM if vllm else {})),
    }
    if request.tools:
        made |= _tool_choice(request)
    if vllm:
        made["stream_options"]["continuous_usage_stats"] = True
        made |= {"max_tokens": sampling.max_tokens} if raw else {}  # None fills the context; else it is 16
        if request.return_token_ids:
            made["return_token_ids"] = True
        if request.cache_salt:
            made["cache_salt"] = request.cache_salt
        if (most := request.render.truncate_prompt_tokens) is not None:
            made |= {"truncate_prompt_tokens": min(most, context_length), "truncation_side": "left"}
    return made | _form(request, raw=raw, vllm=vllm)


def prompt(
    input_: Input, render: RenderParams, tools: Sequence[Tool], *, vllm: bool, must_call: bool = False
) -> dict[str, Any]:
    """Return what makes the prompt, which requests for tokens have as well."""
    assert not isinstance(input_, TokenIds)  # noqa: S101 - `prompt_token_ids` is not declared
    if isinstance(input_, str):
        names: tuple[str, ...] = ("add_special_tokens",)
        made: dict[str, Any] = {"prompt": input_}
    else:
        names = ("add_generation_prompt", "continue_final_message")
        made = {"messages": [_message(one) for one in input_]}
        if render.continue_final_message:
            made["add_generation_prompt"] = False
    if tools:
        made["tools"] = [_tool(one) for one in tools]
        if vllm:
            # It holds the arguments to the schemas of strict tools alone. Templates show the field, so that
            # it is always there, for the same number of tokens whether a call is asked for or not.
            for tool, sent in zip(tools, made["tools"], strict=True):
                sent["function"]["strict"] = must_call if tool.strict is None else tool.strict
    return made | _given(render, {name: name for name in names})


def _given(of: object, names: Mapping[str, str]) -> dict[str, Any]:
    """Return the attributes that are neither None nor empty, by the server's names for them."""
    found = {theirs: getattr(of, ours) for ours, theirs in names.items()}
    return {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in found.items()
        if value is not None and value not in ((), {})
    }


def _message(message: Message) -> dict[str, Any]:
    made: dict[str, Any] = {"role": str(message.role), "content": message.content}
    if message.parts:
        made["content"] = [_part(part) for part in message.parts]
    if message.tool_calls:
        made["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        made["tool_call_id"] = message.tool_call_id
    return made


def _part(part: str | Image) -> dict[str, Any]:
    if isinstance(part, str):
        return {"type": "text", "text": part}
    url = f"data:{part.mime_type or type_of(part.data)};base64,{b64encode(part.data).decode()}"
    return {"type": "image_url", "image_url": {"url": url}}


def _tool(tool: Tool) -> dict[str, Any]:
    parameters = json.loads(tool.parameters) if tool.parameters else {"type": "object", "properties": {}}
    made: dict[str, Any] = {"name": tool.name, "parameters": parameters}
    if tool.description is not None:
        made["description"] = tool.description
    if tool.strict is not None:
        made["strict"] = tool.strict
    return {"type": "function", "function": made}


def _tool_choice(request: GenerateRequest) -> dict[str, Any]:
    choice: Any = str(request.tool_choice) if request.tool_choice else "auto"
    if request.tool_name is not None:
        choice = {"type": "function", "function": {"name": request.tool_name}}
    made = {"tool_choice": choice}
    if request.parallel_tool_calls is not None:
        made["parallel_tool_calls"] = request.parallel_tool_calls
    return made


def _form(request: GenerateRequest, *, raw: bool, vllm: bool) -> dict[str, Any]:
    wanted = request.structured_output
    if wanted is None:
        return {}
    if vllm:
        value: Any = list(wanted.value) if isinstance(wanted.value, tuple) else wanted.value
        if wanted.constraint is Constraint.JSON_OBJECT:
            value = True
        key = {Constraint.JSON_SCHEMA: "json"}.get(wanted.constraint, str(wanted.constraint))
        return {"structured_outputs": {key: value}}
    if raw:
        raise UnsupportedField.of(wanted.field, "the server takes it with messages alone, not with a prompt")
    if wanted.constraint is Constraint.JSON_OBJECT:
        return {"response_format": {"type": "json_object"}}
    schema = {"name": "answer", "schema": json.loads(str(wanted.value)), "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": schema}}
