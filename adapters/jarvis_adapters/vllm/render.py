"""Turns the port's input into vLLM's form of a prompt, in vLLM's threads."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from typing import Any

from vllm.exceptions import VLLMClientError
from vllm.renderers import BaseRenderer
from vllm.renderers.params import ChatParams, TokenizeParams

from jarvis_adapters.vllm.control_tokens import MARK, ControlTokens
from jarvis_ports.errors import InvalidArgument
from jarvis_ports.llm import Input, Message, Role

_FROM_TEMPLATE = TokenizeParams(max_total_tokens=None, add_special_tokens=False)


async def render(renderer: BaseRenderer[Any], control: ControlTokens, input_: Input) -> Any:  # noqa: ANN401 - vLLM's own form of a prompt
    """Tokenise an input of any length; it is for the caller to refuse one that is too long.

    A raw prompt may contain control tokens. In the text of a message, they are nothing but text.

    Raises:
        VLLMValidationError: the chat template refuses the messages.
        InvalidArgument: the text of a message contains control tokens, which vLLM cannot split here.
    """
    if isinstance(input_, str):
        params = TokenizeParams(max_total_tokens=None)
        (rendered,) = await renderer.render_cmpl_async([{"prompt": input_}], params)
        return rendered
    if control.within(input_):
        return await _render_apart(renderer, await asyncio.to_thread(control.taken_apart, input_))
    chat = ChatParams(chat_template_kwargs={"add_generation_prompt": True})
    _, (rendered,) = await renderer.render_chat_async([_conversation(input_)], chat, _FROM_TEMPLATE)
    return rendered


async def _render_apart(renderer: BaseRenderer[Any], messages: Sequence[Message]) -> Any:  # noqa: ANN401
    """Tokenise the parts between marks separately, so that no token spans a mark."""
    chat = ChatParams(chat_template_kwargs={"add_generation_prompt": True, "tokenize": False})
    _, prompt = await renderer.render_messages_async(_conversation(messages), chat)
    if "prompt" not in prompt:
        raise InvalidArgument.of("messages", "this model takes no control tokens in the text of a message")
    parts = prompt["prompt"].split(MARK)
    encoded = await asyncio.to_thread(renderer.get_tokenizer(), parts, add_special_tokens=False)
    ids = list(chain.from_iterable(encoded["input_ids"]))
    (rendered,) = await renderer.render_cmpl_async([{"prompt_token_ids": ids}], _FROM_TEMPLATE)
    return rendered


def _conversation(messages: Sequence[Message]) -> list[Any]:
    return [{"role": message.role.value, "content": message.content} for message in messages]


async def takes_system_message(renderer: BaseRenderer[Any]) -> bool:
    """Return whether the chat template puts a system message into the prompt.

    Some templates refuse one ("System role not supported"), and some leave it out.
    """
    user, control = Message(Role.USER, "b"), ControlTokens(renderer.tokenizer)
    try:
        with_one, with_another = [
            (await render(renderer, control, [Message(Role.SYSTEM, text), user]))["prompt_token_ids"]
            for text in ("a", "a a")
        ]
    except (VLLMClientError, ValueError):
        return False
    return bool(with_one != with_another)
