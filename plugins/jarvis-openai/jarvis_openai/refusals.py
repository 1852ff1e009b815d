"""Finds out which field is to blame for what a server refuses."""

import re
from typing import TYPE_CHECKING

from jarvis_openai.errors import ELSEWHERE, Refused
from jarvis_openai.request import VLLM
from jarvis_ports.errors import ContextLengthExceeded, InvalidArgument
from jarvis_ports.llm import GenerateRequest, RenderParams, SamplingParams, input_field

if TYPE_CHECKING:
    from jarvis_openai.llm import OpenAILLM

OURS = {theirs: ours for ours, theirs in VLLM.items()} | {"max_completion_tokens": "max_tokens"}


async def blamed(llm: "OpenAILLM | None", request: GenerateRequest, refused: Refused) -> InvalidArgument:
    """Return the error for what a server refuses, with the field that is to blame.

    That is the length, if the prompt turns out to be too long; or the field that the server names; or a form
    that the answer or a call is to have; or the input.

    Args:
        llm: counts the prompt; None if only that was asked for.
        request: what was refused.
        refused: what the server says.
    """
    if llm and llm.capabilities().counts_prompts and (error := await _counted_too_long(llm, request)):
        return error
    message = str(refused)
    for word in (refused.parameter or "", *re.findall(r"[a-z_]+", message)[:1]):
        field = OURS.get(word, word)
        if field in SamplingParams.__dataclass_fields__:
            return InvalidArgument.of(f"sampling.{field}", message)
        if field in RenderParams.__dataclass_fields__:
            return InvalidArgument.of(field, message)
    if request.structured_output:
        return InvalidArgument.of(request.structured_output.field, message)
    if request.held_by:
        number = next((n for n, tool in enumerate(request.tools) if tool.strict), 0)
        return InvalidArgument.of(f"tools[{number}].parameters", message)
    return InvalidArgument.of(input_field(request.input), message)


async def _counted_too_long(llm: "OpenAILLM", request: GenerateRequest) -> ContextLengthExceeded | None:
    try:
        count = await llm.count_tokens(request.input, request.render, request.tools)
    except (InvalidArgument, *ELSEWHERE):
        return None
    return too_long(request, count, llm.capabilities().context_length)


def too_long(request: GenerateRequest, count: int | None, context: int) -> ContextLengthExceeded | None:
    """Return the error for a prompt of so many tokens, if it leaves no room for the answer.

    vLLM cuts the answer short instead where it is the answer that has no room.
    """
    wanted = request.sampling.max_tokens or 0
    if count is None or count + max(wanted, 1) <= context:
        return None
    return ContextLengthExceeded(
        field=input_field(request.input) if count >= context else "sampling.max_tokens",
        prompt_tokens=count,
        max_tokens=wanted,
        context_length=context,
    )
