"""Finds out what a loaded model can do."""

from collections.abc import Sequence

from vllm.v1.engine.async_llm import AsyncLLM

from jarvis_adapters.vllm.control_tokens import ControlTokens
from jarvis_adapters.vllm.dialect import Dialect
from jarvis_adapters.vllm.render import continues_final_message, takes_images, takes_system_message
from jarvis_adapters.vllm.settings import BACKEND
from jarvis_adapters.vllm.template import template_arguments, template_variables
from jarvis_ports.llm import ALL_FIELDS, Constraint, LLMCapabilities

SHOWN = (
    "max_num_seqs",
    "max_num_batched_tokens",
    "enable_prefix_caching",
    "block_size",
    "gpu_memory_utilization",
    "kv_cache_memory_bytes",
)


async def find_capabilities(
    engine: AsyncLLM,
    notes: Sequence[str],
    dialect: Dialect,
    *,
    structured_output: bool,
) -> LLMCapabilities:
    """Return what a model can do, by the engine's configuration and the chat template."""
    config = engine.vllm_config
    used = {**vars(config.cache_config), **vars(config.scheduler_config)}
    fields = ALL_FIELDS
    if not structured_output:
        fields -= {f"structured_output.{constraint}" for constraint in Constraint}
    if not dialect.takes_tools:
        fields -= {"tools", "parallel_tool_calls"}
    if not dialect.efforts:
        fields -= {"reasoning_effort"}
    return LLMCapabilities(
        context_length=config.model_config.max_model_len,
        fields=frozenset(fields - await _not_of_template(engine, dialect.control)),
        notes=tuple(notes),
        settings={
            "structured_output": BACKEND if structured_output else "none",
            "parsers.tools": dialect.names.tools,
            "parsers.reasoning": dialect.names.reasoning,
            "dtype": str(config.model_config.dtype).removeprefix("torch."),
            **{name: str(used[name]) for name in SHOWN if name in used},
        },
        slots=config.scheduler_config.max_num_seqs,
    )


async def _not_of_template(engine: AsyncLLM, control: ControlTokens) -> set[str]:
    """Return the fields that the chat template does not honour."""
    missing = set()
    if not control.template:
        missing |= {"messages", "messages.role.system"}
    elif not await takes_system_message(engine.renderer, control):
        missing.add("messages.role.system")
    if not (control.template and await takes_images(engine.renderer, control)):
        missing.add("messages.parts.image")
    if not await continues_final_message(engine.renderer, control):
        missing.add("continue_final_message")
    if "add_generation_prompt" not in template_variables(control):
        missing.add("add_generation_prompt")
    if not template_arguments(control):
        missing.add("chat_template_args")
    return missing
