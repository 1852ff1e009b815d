"""The conversation in which a model calls Python functions."""

import json
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from jarvis.client.options import TextPrompt
from jarvis.client.requests import input_of
from jarvis_ports.values import Answer, Message, Role, ToolCall

MAX_ROUNDS = 8
"""The number of answers in which a model may call tools, unless the caller says otherwise."""


@dataclass(frozen=True)
class Conversation:
    """A conversation in which a model called tools: all of its messages, and the last answer."""

    messages: tuple[Message, ...]
    answer: Answer


def result_message(call: ToolCall, result: object) -> Message:
    """Return the message that tells a model what its call gave: a text as it is, anything else as JSON."""
    text = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False, default=str)
    return Message(Role.TOOL, text, tool_call_id=call.id)


def rounds_of(prompt: TextPrompt, most: int) -> Generator[tuple[Message, ...] | ToolCall, Any, Conversation]:
    """Yield messages, for which the answer is sent back, and calls, for which the result is; return the end.

    The last answer is not followed by calls: it has none, it was cut off, or `most` answers have had some.
    """
    given = input_of(prompt)
    messages = (Message(Role.USER, given),) if isinstance(given, str) else tuple(given)
    for left in range(most, -1, -1):
        answer: Answer = yield messages
        choice = answer.choices[0]
        messages += (choice.message,)
        if not choice.tool_calls or choice.reason != "tool_calls" or not left:
            return Conversation(messages, answer)
        for call in choice.tool_calls:
            messages += (result_message(call, (yield call)),)
    raise AssertionError
