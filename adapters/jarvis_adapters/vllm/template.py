"""What callers may say to a model's chat template."""

import json
import logging
from collections.abc import Mapping
from typing import Any

from jinja2 import TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment
from vllm.renderers.hf import AssistantTracker

from jarvis_adapters.vllm.control_tokens import ControlTokens
from jarvis_ports.errors import FieldViolation, InvalidArgument
from jarvis_ports.llm import RenderParams

REJECTED = "Chat template rejected the request: %s"
"""What vLLM logs where a template raises: it may quote the caller, who is told it; the log leaves it out."""
logging.getLogger("vllm.renderers.hf").addFilter(lambda record: record.msg != REJECTED)
OURS = {
    "add_generation_prompt",
    "continue_final_message",
    "documents",
    "messages",
    "raise_exception",
    "strftime_now",
    "tools",
}
"""The variables of templates that transformers sets itself, beside the names of control tokens."""


def template_arguments(control: ControlTokens) -> frozenset[str]:
    """Return the variables of a chat template that are for callers to set."""
    used = template_variables(control)
    return frozenset(used - OURS - control.tokenizer.special_tokens_map.keys()) if used else used


def template_variables(control: ControlTokens) -> frozenset[str]:
    """Return the variables of a chat template; none where it is no template of Jinja."""
    environment = ImmutableSandboxedEnvironment(extensions=[AssistantTracker, "jinja2.ext.loopcontrols"])
    try:
        used = meta.find_undeclared_variables(environment.parse(control.template))
    except TemplateError:
        return frozenset()
    return frozenset(used - environment.globals.keys())


def check_arguments(known: frozenset[str], given: Mapping[str, str]) -> None:
    """Check the names of arguments, which vLLM drops where the template does not use them.

    Raises:
        InvalidArgument: naming those that the template does not use.
    """
    told = f"the chat template does not use it; it uses {', '.join(sorted(known))}"
    if unknown := [
        FieldViolation(f"chat_template_args[{name}]", told) for name in given if name not in known
    ]:
        raise InvalidArgument(unknown)


def template_kwargs(render: RenderParams) -> dict[str, Any]:
    """Return what of these parameters vLLM passes on to the chat template."""
    given = {name: json.loads(value) for name, value in render.chat_template_args.items()}
    begun = not (render.continue_final_message or render.add_generation_prompt is False)
    return {**given, "add_generation_prompt": begun}
