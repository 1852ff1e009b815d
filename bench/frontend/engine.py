"""The engine that all contenders run: that of the `vllm` adapter with its default profile."""

from pathlib import Path
from typing import Any

from jarvis_adapters.vllm.settings import VLLMSettings, engine_args

DTYPE = "bfloat16"
KV_CACHE_BYTES = 2**28
"""Room for far more than any number of streams has, several times over."""
ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
}
"""The environment variables of every process of a run, so that they do not differ in these either."""


OF_IMAGES = {"limit_mm_per_prompt", "mm_processor_cache_gb"}
"""Arguments for images, which the benches do not send, and which not every command line can read."""


def arguments(model: Path) -> dict[str, Any]:
    """Return the arguments of `AsyncEngineArgs`."""
    from vllm.platforms import current_platform  # noqa: PLC0415 - takes seconds

    settings = VLLMSettings(
        model=str(model), dtype=DTYPE, engine_args={"kv_cache_memory_bytes": KV_CACHE_BYTES}
    )
    given = engine_args(settings, cpu=current_platform.is_cpu())
    return {name: value for name, value in given.items() if value is not None}


def command_line(arguments: dict[str, Any]) -> list[str]:
    """Return the arguments, but for those for images, as vLLM's own servers take them on a command line."""
    parts = []
    for name, value in arguments.items():
        if name in OF_IMAGES:
            continue
        flag = name.replace("_", "-")
        parts += (
            [f"--{flag}" if value else f"--no-{flag}"]
            if isinstance(value, bool)
            else [f"--{flag}", str(value)]
        )
    return parts
