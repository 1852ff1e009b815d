"""Turns the port's input into vLLM's form of a prompt, in vLLM's threads."""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from types import MappingProxyType
from typing import Any

import PIL.Image
from vllm.exceptions import VLLMClientError
from vllm.renderers import BaseRenderer
from vllm.renderers.params import ChatParams, TokenizeParams

from jarvis_adapters.vllm.control_tokens import MARK, ControlTokens
from jarvis_adapters.vllm.images import Picture
from jarvis_adapters.vllm.template import template_kwargs
from jarvis_ports.errors import InvalidArgument, JarvisError
from jarvis_ports.llm import Image, Input, Message, RenderParams, Role, TokenIds

MEDIA = ("multi_modal_data", "multi_modal_uuids")
"""What vLLM's form of a prompt has of images."""
_AS_IT_IS = TokenizeParams(max_total_tokens=None, add_special_tokens=False)


async def render(  # noqa: PLR0913, PLR0917 - all that a prompt is made of
    renderer: BaseRenderer[Any],
    control: ControlTokens,
    input_: Input,
    params: RenderParams = RenderParams(),
    arguments: Mapping[str, Any] = MappingProxyType({}),
    pictures: Sequence[Picture] = (),
) -> Any:  # noqa: ANN401 - vLLM's own form of a prompt
    """Tokenise an input of any length; it is for the caller to refuse one that is too long.

    A raw prompt may contain control tokens. In the text of a message, they are nothing but text.

    Args:
        renderer: vLLM's.
        control: knows the control tokens.
        input_: the prompt or the conversation.
        params: how it becomes tokens.
        arguments: what the chat template is told beside the messages and those parameters.
        pictures: the images of the conversation, decoded, in their order.

    Raises:
        VLLMValidationError: the chat template refuses the messages.
        InvalidArgument: the text of a message contains control tokens, which vLLM cannot split here; or the
            model cannot do with an image.
    """
    try:
        rendered = await _render(renderer, control, input_, params, arguments, pictures)
    except (JarvisError, VLLMClientError):
        raise
    except Exception as error:
        if not pictures:
            raise
        told = f"the model cannot do with an image: {str(error) or type(error).__name__}"
        raise InvalidArgument.of("messages", told) from None
    if (most := params.truncate_prompt_tokens) is not None:
        rendered["prompt_token_ids"] = rendered["prompt_token_ids"][-most:]
    return rendered


async def _render(  # noqa: PLR0913, PLR0917
    renderer: BaseRenderer[Any],
    control: ControlTokens,
    input_: Input,
    params: RenderParams,
    arguments: Mapping[str, Any],
    pictures: Sequence[Picture],
) -> Any:  # noqa: ANN401
    if isinstance(input_, TokenIds):
        (rendered,) = await renderer.render_cmpl_async([{"prompt_token_ids": list(input_.ids)}], _AS_IT_IS)
        return rendered
    if isinstance(input_, str):
        special = TokenizeParams(
            max_total_tokens=None, add_special_tokens=params.add_special_tokens is not False
        )
        (rendered,) = await renderer.render_cmpl_async([{"prompt": input_}], special)
        return rendered
    continued = bool(params.continue_final_message)
    chat = ChatParams(
        chat_template=control.given_template, chat_template_kwargs={**template_kwargs(params), **arguments}
    )
    if control.within(input_):
        input_ = await asyncio.to_thread(control.taken_apart, input_)
    elif not continued:
        messages = _conversation(input_, pictures)
        _, (rendered,) = await renderer.render_chat_async([messages], chat, _AS_IT_IS, skip_mm_cache=True)
        return rendered
    text, media = await _text(renderer, input_, chat, pictures, continued=continued)
    ids = await asyncio.to_thread(_ids, renderer.get_tokenizer(), text.split(MARK))
    prompt: Any = {"prompt_token_ids": ids, **media}
    (rendered,) = await renderer.render_cmpl_async([prompt], _AS_IT_IS, skip_mm_cache=True)
    return rendered


async def _text(
    renderer: BaseRenderer[Any],
    messages: Sequence[Message],
    chat: ChatParams,
    pictures: Sequence[Picture],
    *,
    continued: bool,
) -> tuple[str, dict[str, Any]]:
    """Return what the chat template makes of messages, up to the end of the last one if that is continued.

    What vLLM makes of their images comes with it. Transformers does that too, but where it cannot, vLLM logs
    the texts.
    """
    *before, last = messages
    if continued:
        messages = [*before, replace(last, content=last.content + MARK)]
    chat = replace(chat, chat_template_kwargs={**chat.chat_template_kwargs, "tokenize": False})
    _, prompt = await renderer.render_messages_async(_conversation(messages, pictures), chat)
    if "prompt" not in prompt:
        raise InvalidArgument.of("messages", "this model takes no control tokens in the text of a message")
    text = str(prompt["prompt"])
    if continued:
        text, _, _ = text.rpartition(MARK)
        if not text.endswith(last.content.lstrip()):
            told = "the chat template does not write the last message as it is"
            raise InvalidArgument.of("continue_final_message", told)
    return text, {name: prompt[name] for name in MEDIA if name in prompt}


def _ids(tokenizer: Any, parts: Sequence[str]) -> list[int]:  # noqa: ANN401
    """Tokenise parts separately, so that no token spans the place between two."""
    return list(chain.from_iterable(tokenizer(parts, add_special_tokens=False)["input_ids"]))


def conversation_message(message: Message, pictures: Iterator[Picture] | None = None) -> dict[str, Any]:
    """Return a message as chat templates take it, with the next of the pictures as its images."""
    content: Any = message.text
    if pictures and message.images:
        content = [
            {"type": "text", "text": part} if isinstance(part, str) else _image(next(pictures))
            for part in message.parts
        ]
    found: dict[str, Any] = {"role": message.role.value, "content": content}
    if message.tool_calls:
        found["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.tool_calls
        ]
    if message.tool_call_id is not None:
        found["tool_call_id"] = message.tool_call_id
    return found


def _image(picture: Picture) -> dict[str, Any]:
    return {"type": "image_pil", "image_pil": picture.image, "uuid": picture.name}


def _conversation(messages: Sequence[Message], pictures: Sequence[Picture]) -> list[Any]:
    left = iter(pictures)
    return [conversation_message(message, left) for message in messages]


async def continues_final_message(renderer: BaseRenderer[Any], control: ControlTokens) -> bool:
    """Return whether the chat template writes the assistant's last message so that it can be continued."""
    messages = [Message(Role.USER, "a"), Message(Role.ASSISTANT, "b c")]
    try:
        await render(renderer, control, messages, RenderParams(continue_final_message=True))
    except (VLLMClientError, ValueError, InvalidArgument):
        return False
    return True


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


async def takes_images(renderer: BaseRenderer[Any], control: ControlTokens) -> bool:
    """Return whether the model takes images, and the chat template puts them into the prompt."""
    if renderer.mm_processor is None or not renderer.mm_processor.info.allowed_mm_limits.get("image"):
        return False
    picture = Picture(PIL.Image.new("RGB", (64, 64)), "")
    asked = [Message(Role.USER, parts=(Image(b""), "a"))]
    try:
        rendered = await render(renderer, control, asked, pictures=[picture])
    except (VLLMClientError, InvalidArgument):
        return False
    return bool(rendered.get("mm_placeholders"))
