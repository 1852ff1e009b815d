"""The conversation in which a model calls Python functions."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from jarvis.client.functions import Function, Toolbox
from jarvis.client.options import TextPrompt
from jarvis.client.requests import input_of
from jarvis_ports.values import Answer, FinishReason, Message, Role, Tool, ToolCall

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


async def converse(
    generate: Callable[[Sequence[Message]], Awaitable[Answer]],
    prompt: TextPrompt,
    functions: Sequence[Function | Tool],
    rounds: int,
) -> Conversation:
    """Return the conversation in which the calls of answers are run; see `JarvisClient.run_tools`."""
    toolbox, given = Toolbox(functions), input_of(prompt)
    messages = [Message(Role.USER, given)] if isinstance(given, str) else list(given)
    for left in range(rounds, -1, -1):
        answer = await generate(messages)
        messages.append(answer.choices[0].message)
        if answer.reason is not FinishReason.TOOL_CALLS or not left:
            break
        for call in answer.tool_calls:
            messages.append(result_message(call, await toolbox.run_async(call)))
    return Conversation(tuple(messages), answer)
