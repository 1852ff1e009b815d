"""Finds out what a loaded model can do."""

from collections.abc import Sequence

from vllm.v1.engine.async_llm import AsyncLLM

from jarvis_adapters.vllm.render import continues_final_message, takes_system_message
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
    engine: AsyncLLM, notes: Sequence[str], *, structured_output: bool
) -> LLMCapabilities:
    """Return what a model can do, by the engine's configuration and the chat template."""
    config = engine.vllm_config
    used = {**vars(config.cache_config), **vars(config.scheduler_config)}
    fields = ALL_FIELDS
    if not structured_output:
        fields -= {f"structured_output.{constraint}" for constraint in Constraint}
    return LLMCapabilities(
        context_length=config.model_config.max_model_len,
        fields=frozenset(fields - await _not_of_template(engine)),
        notes=tuple(notes),
        settings={
            "structured_output": "guidance" if structured_output else "none",
            "dtype": str(config.model_config.dtype).removeprefix("torch."),
            **{name: str(used[name]) for name in SHOWN if name in used},
        },
        slots=config.scheduler_config.max_num_seqs,
    )


async def _not_of_template(engine: AsyncLLM) -> set[str]:
    """Return the fields that the chat template does not honour."""
    tokenizer = engine.get_tokenizer()
    missing = set()
    if not getattr(tokenizer, "chat_template", None):
        missing |= {"messages", "messages.role.system"}
    elif not await takes_system_message(engine.renderer):
        missing.add("messages.role.system")
    if not await continues_final_message(engine.renderer):
        missing.add("continue_final_message")
    if "add_generation_prompt" not in template_variables(tokenizer):
        missing.add("add_generation_prompt")
    if not template_arguments(tokenizer):
        missing.add("chat_template_args")
    return missing
