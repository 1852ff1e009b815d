"""A value for every field that an adapter may declare."""

import struct
import zlib
from typing import Any

from jarvis_ports.llm import (
    Constraint,
    Image,
    Message,
    ReasoningEffort,
    RenderParams,
    Role,
    StructuredOutput,
    Tool,
    ToolCall,
    ToolChoice,
)

PROMPT = "Here is a list of the numbers from one to ten, in words:"
MESSAGES = (Message(Role.USER, "What is the capital of France, and what is it known for?"),)
WITH_SYSTEM = (Message(Role.SYSTEM, "You answer in one sentence."), *MESSAGES)
WITH_LONGER_SYSTEM = (
    Message(Role.SYSTEM, "You answer in one sentence, which is short, clear and true."),
    *MESSAGES,
)


def png(red: int, green: int, blue: int, side: int = 64) -> bytes:
    """Return a PNG of one colour (https://www.w3.org/TR/png-3/)."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress((b"\0" + bytes((red, green, blue)) * side) * side)
    chunks = ((b"IHDR", header), (b"IDAT", rows), (b"IEND", b""))
    packed = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


RED, GREEN = Image(png(255, 0, 0)), Image(png(0, 255, 0))
SEEN = (Message(Role.USER, parts=(RED, "What is the colour of it?")),)

TOOLS = (
    Tool(
        "weather",
        "Tells the weather of a city.",
        '{"type": "object", "properties": {"city": {"type": "string", "maxLength": 12},'
        ' "days": {"enum": [1, 2]}}, "required": ["city", "days"], "additionalProperties": false}',
    ),
    Tool("now", "Tells the time."),
)
AFTER_A_CALL = (
    *MESSAGES,
    Message(Role.ASSISTANT, tool_calls=(ToolCall("1", "weather", '{"city": "Paris", "days": 1}'),)),
    Message(Role.TOOL, "Rain.", tool_call_id="1"),
)

CONSTRAINTS: dict[Constraint, StructuredOutput] = {
    Constraint.JSON_SCHEMA: StructuredOutput(
        Constraint.JSON_SCHEMA,
        '{"type": "object", "properties": {"big": {"type": "boolean"}}, "required": ["big"],'
        ' "additionalProperties": false}',
    ),
    Constraint.REGEX: StructuredOutput(Constraint.REGEX, "[A-Z][a-z]{2,5}"),
    Constraint.CHOICE: StructuredOutput(Constraint.CHOICE, ("Paris", "London")),
    Constraint.GRAMMAR: StructuredOutput(Constraint.GRAMMAR, 'root ::= "yes" | "no"'),
    Constraint.JSON_OBJECT: StructuredOutput(Constraint.JSON_OBJECT),
    Constraint.STRUCTURAL_TAG: StructuredOutput(
        Constraint.STRUCTURAL_TAG,
        '{"format": {"type": "tag", "begin": "<b>", "content": {"type": "regex", "pattern": "[a-z]{2,5}"},'
        ' "end": "</b>"}}',
    ),
}

BAD_CONSTRAINTS = [
    StructuredOutput(Constraint.JSON_SCHEMA, '{"type": '),
    StructuredOutput(Constraint.JSON_SCHEMA, '{"type": "no such type"}'),
    StructuredOutput(Constraint.REGEX, "(["),
    StructuredOutput(Constraint.GRAMMAR, "root ::= ("),
    StructuredOutput(Constraint.STRUCTURAL_TAG, '{"format": {"type": "no such type"}}'),
]

CONTINUED = (*MESSAGES, Message(Role.ASSISTANT, "The capital of France is"))

FIELDS: dict[str, dict[str, Any]] = {
    "add_generation_prompt": {"input_": MESSAGES, "render": RenderParams(add_generation_prompt=False)},
    "add_special_tokens": {"render": RenderParams(add_special_tokens=False)},
    "continue_final_message": {"input_": CONTINUED, "render": RenderParams(continue_final_message=True)},
    "messages": {"input_": MESSAGES},
    "messages.parts.image": {"input_": SEEN},
    "messages.role.system": {"input_": WITH_SYSTEM},
    "parallel_tool_calls": {"input_": MESSAGES, "tools": TOOLS, "parallel_tool_calls": False},
    "priority": {"priority": 1},
    "prompt": {"input_": PROMPT},
    "reasoning_effort": {"input_": MESSAGES, "reasoning_effort": ReasoningEffort.LOW},
    "truncate_prompt_tokens": {"render": RenderParams(truncate_prompt_tokens=5)},
    "return_token_ids": {"return_token_ids": True},
    "tools": {"input_": AFTER_A_CALL, "tools": TOOLS, "tool_choice": ToolChoice.AUTO},
    "sampling.temperature": {"temperature": 0.7},
    "sampling.top_p": {"top_p": 0.9},
    "sampling.top_k": {"top_k": 20},
    "sampling.min_p": {"min_p": 0.05},
    "sampling.presence_penalty": {"presence_penalty": 0.5},
    "sampling.frequency_penalty": {"frequency_penalty": 0.5},
    "sampling.repetition_penalty": {"repetition_penalty": 1.1},
    "sampling.max_tokens": {"max_tokens": 4},
    "sampling.min_tokens": {"min_tokens": 2},
    "sampling.stop": {"stop": ("@@",)},
    "sampling.seed": {"seed": 7},
    "sampling.n": {"n": 2},
    "sampling.logprobs": {"logprobs": 2},
    "sampling.logit_bias": {"logit_bias": {5: 1.0}},
    "sampling.ignore_eos": {"ignore_eos": True},
    "sampling.stop_token_ids": {"stop_token_ids": (5,)},
    "sampling.include_stop": {"stop": (",",), "include_stop": True},
    "sampling.allowed_token_ids": {"allowed_token_ids": (5, 6, 7)},
    "sampling.bad_words": {"bad_words": ("one",)},
    "sampling.skip_special_tokens": {"skip_special_tokens": False},
    "sampling.logprob_token_ids": {"logprob_token_ids": (5, 6)},
    "sampling.prompt_logprobs": {"prompt_logprobs": 2},
    **{constraint.field: {"structured_output": constraint} for constraint in CONSTRAINTS.values()},
}
"""The arguments of `request` that set a field, by the field's path in the contract.

The ids of `prompt_token_ids` and the names of `chat_template_args` differ from model to model; they have
tests of their own.
"""
