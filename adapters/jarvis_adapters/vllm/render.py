"""From the port's input to vLLM's form of a prompt, in vLLM's threads."""

from typing import Any

from vllm.exceptions import VLLMClientError
from vllm.renderers import BaseRenderer
from vllm.renderers.params import ChatParams, TokenizeParams

from jarvis_ports.llm import Input, Message, Role


async def render(renderer: BaseRenderer[Any], input_: Input) -> Any:  # noqa: ANN401 - vLLM's own form of a prompt
    """Tokenise, whatever the length: the error for what is too long is the caller's.

    Raises:
        VLLMValidationError: the chat template refuses the messages.
    """
    if isinstance(input_, str):
        params = TokenizeParams(max_total_tokens=None)
        (rendered,) = await renderer.render_cmpl_async([{"prompt": input_}], params)
        return rendered
    messages = [{"role": message.role.value, "content": message.content} for message in input_]
    chat = ChatParams(chat_template_kwargs={"add_generation_prompt": True})
    params = TokenizeParams(max_total_tokens=None, add_special_tokens=False)
    _, (rendered,) = await renderer.render_chat_async([messages], chat, params)
    return rendered


async def takes_system_message(renderer: BaseRenderer[Any]) -> bool:
    """Tell whether the chat template puts a system message into the prompt.

    Some refuse one ("System role not supported"), and some leave it out.
    """
    user = Message(Role.USER, "b")
    try:
        with_one, with_another = [
            (await render(renderer, [Message(Role.SYSTEM, text), user]))["prompt_token_ids"]
            for text in ("a", "a a")
        ]
    except (VLLMClientError, ValueError):
        return False
    return bool(with_one != with_another)
