"""Checks what a request says of tools, before any engine sees it."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from jarvis.core.generation.images import check_parts
from jarvis.core.generation.rendering import refuse
from jarvis_ports.errors import FieldViolation
from jarvis_ports.values import GenerateRequest, Message, Raw, Role, ToolChoice

MAX_TOOLS = 128
MAX_SCHEMA_BYTES = 65_536
"""The most bytes of the schemas of all tools together."""
MAX_ARGUMENTS_BYTES = 1_000_000
"""The most bytes of the arguments of all calls in a conversation: it may take 0.2 s to read so many."""
MAX_DEPTH = 200
"""The most objects and arrays within one another in a schema, or in arguments: libraries recurse."""
NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
SURROGATE = re.compile("[\ud800-\udfff]")
NAME_RULE = "must be 1 to 64 letters, digits, underscores, dots or hyphens"


def with_tools(request: GenerateRequest) -> bool:
    """Return whether a request is one of a conversation with tools."""
    messages = () if isinstance(request.input, Raw) else request.input
    return bool(request.tools) or any(map(_calls_tools, messages))


def check_messages(messages: Sequence[Message]) -> Iterator[FieldViolation]:
    """Yield what is wrong with each message of a conversation by itself."""
    size = sum(len(call.arguments.encode()) for message in messages for call in message.tool_calls)
    if size > MAX_ARGUMENTS_BYTES:
        told = f"the arguments of calls have {size} bytes; at most {MAX_ARGUMENTS_BYTES}"
        yield FieldViolation("messages", told)
        return
    for position, message in enumerate(messages):
        yield from _message(message, f"messages[{position}]")


def _message(message: Message, path: str) -> Iterator[FieldViolation]:
    if message.tool_calls and message.role is not Role.ASSISTANT:
        yield FieldViolation(f"{path}.tool_calls", "only the model calls tools: the role has to be assistant")
    yield from check_parts(message, path)
    if not (message.content or message.parts or _calls_tools(message)):
        yield FieldViolation(f"{path}.content", "is empty")
    if message.role is Role.TOOL and not message.tool_call_id:
        yield FieldViolation(f"{path}.tool_call_id", "is required: the id of the call whose result this is")
    if message.role is not Role.TOOL and message.tool_call_id is not None:
        yield FieldViolation(f"{path}.tool_call_id", "is for the results of tools: the role has to be tool")
    for position, call in enumerate(message.tool_calls):
        if not call.id:
            yield FieldViolation(f"{path}.tool_calls[{position}].id", "is empty")
        if not NAME.fullmatch(call.name):
            yield FieldViolation(f"{path}.tool_calls[{position}].name", NAME_RULE)
        if wrong := _not_an_object(call.arguments):
            yield FieldViolation(f"{path}.tool_calls[{position}].arguments", wrong)


def check_tools(request: GenerateRequest) -> Iterator[FieldViolation]:
    """Yield what is wrong with the tools of a request, and with what goes with them."""
    if not request.tools:
        for name in ("tool_choice", "tool_name", "parallel_tool_calls"):
            if getattr(request, name) is not None:
                yield FieldViolation(name, "set tools as well")
    elif isinstance(request.input, Raw):
        yield FieldViolation("tools", "needs messages: a raw prompt is passed to the model as it is")
    elif request.structured_output and request.tool_choice is not ToolChoice.NONE:
        yield FieldViolation(
            "structured_output", "cannot be honoured beside tools: a call has a form of its own"
        )
    if request.reasoning_effort is not None and isinstance(request.input, Raw):
        yield FieldViolation("reasoning_effort", "needs messages: a raw prompt is passed on as it is")
    if request.tool_choice is not None and request.tool_name is not None:
        yield FieldViolation("tool_name", "set either this or tool_choice, not both")
    names = Counter(tool.name for tool in request.tools)
    if request.tool_name is not None and names and request.tool_name not in names:
        yield FieldViolation("tool_name", f"{request.tool_name!r} is none of the tools: {', '.join(names)}")
    yield from _each(request, names)


def _each(request: GenerateRequest, names: Counter[str]) -> Iterator[FieldViolation]:
    if len(request.tools) > MAX_TOOLS:
        yield FieldViolation("tools", f"at most {MAX_TOOLS}, got {len(request.tools)}")
    size = sum(len((tool.parameters or "").encode()) for tool in request.tools)
    if size > MAX_SCHEMA_BYTES:
        yield FieldViolation("tools", f"the parameters have {size} bytes; at most {MAX_SCHEMA_BYTES}")
        return
    for position, tool in enumerate(request.tools):
        if not NAME.fullmatch(tool.name):
            yield FieldViolation(f"tools[{position}].name", NAME_RULE)
        elif names[tool.name] > 1:
            yield FieldViolation(f"tools[{position}].name", f"{tool.name!r} is given twice")
        if tool.parameters is not None and (wrong := _no_parameters(tool.parameters)):
            yield FieldViolation(f"tools[{position}].parameters", wrong)


def _calls_tools(message: Message) -> bool:
    return message.role is Role.TOOL or bool(message.tool_calls)


def _no_parameters(text: str) -> str | None:
    """Return why a text is no schema of arguments; None if it may be one."""
    if wrong := _not_an_object(text):
        return wrong
    kind = json.loads(text).get("type", "object")
    return None if kind == "object" else f"arguments are an object, so type has to be 'object', not {kind!r}"


def _not_an_object(text: str) -> str | None:
    """Return why a text is not that of a JSON object; None if it is."""
    try:
        value = json.loads(text, parse_constant=refuse)
    except RecursionError:
        return "is nested too deep"
    except ValueError as error:
        return f"is no JSON: {error}"
    if not isinstance(value, dict):
        return "has to be a JSON object"
    if _depth(value) > MAX_DEPTH:
        return f"is nested more than {MAX_DEPTH} deep"
    halves = "\\u" in text and SURROGATE.search(json.dumps(value, ensure_ascii=False))
    return "has half of a surrogate pair, which is no character" if halves else None


def _depth(value: Any) -> int:  # noqa: ANN401 - JSON
    """Return how many objects and arrays are within one another."""
    depth, level = 0, [value]
    while level := [one for one in level if isinstance(one, dict | list)]:
        depth += 1
        level = [below for one in level for below in (one.values() if isinstance(one, dict) else one)]
    return depth
