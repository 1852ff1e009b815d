"""Checks how an input is to become tokens, before any engine sees it."""

import json
from collections.abc import Iterator, Mapping

from jarvis.core.generation.images import has_images
from jarvis_ports.errors import FieldViolation, InvalidArgument
from jarvis_ports.values import Input, Raw, RenderParams, Role

MAX_TEMPLATE_ARGS = 16
MAX_TEMPLATE_CHARACTERS = 16_384
MAX_PROMPT_LOGPROBS = 20_000
"""The most log probabilities of a prompt: they come in one message, and an engine makes a text for each."""
RESERVED = frozenset(
    {
        "add_generation_prompt",
        "chat_template",
        "continue_final_message",
        "conversation",
        "documents",
        "messages",
        "return_dict",
        "tokenize",
        "tools",
    }
)
"""Names that are no argument of a chat template for callers to set: they are set by fields, or by no one."""


def check_render(input_: Input, render: RenderParams) -> Iterator[FieldViolation]:
    """Yield what is wrong with the parameters, or does not go with the input."""
    yield from _truncation(input_, render.truncate_prompt_tokens)
    if render.add_special_tokens is not None and not isinstance(input_, str):
        yield FieldViolation("add_special_tokens", "needs prompt: elsewhere, no token is added to a text")
    if isinstance(input_, Raw):
        for name in ("continue_final_message", "chat_template_args", "add_generation_prompt"):
            if getattr(render, name) not in (None, {}):
                yield FieldViolation(name, "needs messages: a raw prompt has no chat template")
    elif render.continue_final_message:
        if input_[-1].role is not Role.ASSISTANT:
            field = f"messages[{len(input_) - 1}].role"
            yield FieldViolation(
                field, "with continue_final_message, the last message has to be the assistant's"
            )
        elif input_[-1].tool_calls:
            field = f"messages[{len(input_) - 1}].tool_calls"
            yield FieldViolation(field, "with continue_final_message, the last message may call no tools")
        if render.add_generation_prompt:
            yield FieldViolation(
                "add_generation_prompt", "set either this or continue_final_message, not both"
            )
    yield from _template_args(render.chat_template_args)


def _truncation(input_: Input, most: int | None) -> Iterator[FieldViolation]:
    if most == 0:
        yield FieldViolation("truncate_prompt_tokens", "must be at least 1, got 0")
    if most is not None and has_images(input_):
        yield FieldViolation("truncate_prompt_tokens", "would cut off images; leave some out instead")


def check_prompt_logprobs(candidates: int, prompt_tokens: int) -> None:
    """Check how many log probabilities of a prompt are asked for.

    Raises:
        InvalidArgument: they are too many.
    """
    if (count := prompt_tokens * (1 + candidates)) > MAX_PROMPT_LOGPROBS:
        told = f"{prompt_tokens} tokens with {candidates} candidates each make {count} log probabilities"
        raise InvalidArgument.of("sampling.prompt_logprobs", f"{told}, at most {MAX_PROMPT_LOGPROBS}")


def _template_args(args: Mapping[str, str]) -> Iterator[FieldViolation]:
    if len(args) > MAX_TEMPLATE_ARGS:
        yield FieldViolation("chat_template_args", f"at most {MAX_TEMPLATE_ARGS}, got {len(args)}")
        return
    characters = sum(len(name) + len(value) for name, value in args.items())
    if characters > MAX_TEMPLATE_CHARACTERS:
        most = f"at most {MAX_TEMPLATE_CHARACTERS} characters in all"
        yield FieldViolation("chat_template_args", f"{most}, got {characters}")
        return
    for name, value in args.items():
        if name in RESERVED:
            yield FieldViolation(f"chat_template_args[{name}]", "is not for chat_template_args to set")
        elif not _is_json(value):
            told = "is not JSON; a text needs quotation marks"
            yield FieldViolation(f"chat_template_args[{name}]", told)


def _is_json(text: str) -> bool:
    try:
        json.loads(text, parse_constant=refuse)
    except (ValueError, RecursionError):
        return False
    return True


def refuse(constant: str) -> None:
    """Raise a ValueError, for a constant such as NaN, which Python reads but JSON has not."""
    msg = f"{constant} is no JSON"
    raise ValueError(msg)
