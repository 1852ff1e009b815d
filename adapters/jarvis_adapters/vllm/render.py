"""Turns the port's input into vLLM's form of a prompt, in vLLM's threads."""

import asyncio
from collections.abc import Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import Any

from vllm.exceptions import VLLMClientError
from vllm.renderers import BaseRenderer
from vllm.renderers.params import ChatParams, TokenizeParams

from jarvis_adapters.vllm.control_tokens import MARK, ControlTokens
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.llm import Input, Message, Role

_FROM_TEMPLATE = TokenizeParams(max_total_tokens=None, add_special_tokens=False)


async def render(
    renderer: BaseRenderer[Any],
    control: ControlTokens,
    input_: Input,
    arguments: Mapping[str, Any] = MappingProxyType({}),
) -> Any:  # noqa: ANN401 - vLLM's own form of a prompt
    """Tokenise an input of any length; it is for the caller to refuse one that is too long.

    A raw prompt may contain control tokens. In the text of a message, they are nothing but text.

    Args:
        renderer: vLLM's.
        control: knows the control tokens.
        input_: the prompt or the conversation.
        arguments: what the chat template is told beside the messages.

    Raises:
        VLLMValidationError: the chat template refuses the messages.
        InvalidArgument: the text of a message contains control tokens, which vLLM cannot split here.
    """
    if isinstance(input_, str):
        params = TokenizeParams(max_total_tokens=None)
        (rendered,) = await renderer.render_cmpl_async([{"prompt": input_}], params)
        return rendered
    if control.within(input_):
        apart = await asyncio.to_thread(control.taken_apart, input_)
        return await _render_apart(renderer, control, apart, arguments)
    chat = _chat(control, arguments)
    _, (rendered,) = await renderer.render_chat_async([_conversation(input_)], chat, _FROM_TEMPLATE)
    return rendered


async def _render_apart(
    renderer: BaseRenderer[Any],
    control: ControlTokens,
    messages: Sequence[Message],
    arguments: Mapping[str, Any],
) -> Any:  # noqa: ANN401
    """Tokenise the parts between marks separately, so that no token spans a mark."""
    chat = _chat(control, {**arguments, "tokenize": False})
    _, prompt = await renderer.render_messages_async(_conversation(messages), chat)
    if "prompt" not in prompt:
        raise InvalidArgument.of("messages", "this model takes no control tokens in the text of a message")
    parts = prompt["prompt"].split(MARK)
    encoded = await asyncio.to_thread(renderer.get_tokenizer(), parts, add_special_tokens=False)
    ids = list(chain.from_iterable(encoded["input_ids"]))
    (rendered,) = await renderer.render_cmpl_async([{"prompt_token_ids": ids}], _FROM_TEMPLATE)
    return rendered


def _chat(control: ControlTokens, arguments: Mapping[str, Any]) -> ChatParams:
    kwargs = {"add_generation_prompt": True, **arguments}
    return ChatParams(chat_template=control.given_template, chat_template_kwargs=kwargs)


def conversation_message(message: Message) -> dict[str, Any]:
    """Return a message as chat templates take it."""
    found: dict[str, Any] = {"role": message.role.value, "content": message.content}
    if message.tool_calls:
        found["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        found["tool_call_id"] = message.tool_call_id
    return found


def _conversation(messages: Sequence[Message]) -> list[Any]:
    return [conversation_message(message) for message in messages]


async def takes_system_message(renderer: BaseRenderer[Any], control: ControlTokens) -> bool:
    """Return whether the chat template puts a system message into the prompt.

    Some templates refuse one ("System role not supported"), and some leave it out.
    """
    user = Message(Role.USER, "b")
    try:
        with_one, with_another = [
            (await render(renderer, control, [Message(Role.SYSTEM, text), user]))["prompt_token_ids"]
            for text in ("a", "a a")
        ]
    except (VLLMClientError, ValueError):
        return False
    return bool(with_one != with_another)
