"""Smaller settings for an engine that ran out of memory while it started."""

import re
from collections.abc import Iterator
from typing import Any

STEPS: tuple[tuple[str, float], ...] = (
    ("gpu_memory_utilization", 0.88),
    ("max_num_seqs", 32),
    ("max_num_batched_tokens", 4096),
)

OUT_OF_MEMORY = re.compile(
    r"out of memory"  # torch.OutOfMemoryError, CUDA's own
    r"|less than desired (?:GPU|CPU) memory utilization"
    r"|No available memory for the cache blocks"
    r"|larger than the available KV cache memory"
    r"|is less than requested memory for kv"
    r"|DefaultCPUAllocator: (?:can't|not enough)"
    r"|Cannot allocate memory",
    re.IGNORECASE,
)

SHARE_TOO_LARGE = re.compile(r"less than desired (?:GPU|CPU) memory utilization", re.IGNORECASE)
"""The message of a check in which vLLM looks at nothing but `gpu_memory_utilization`."""


def is_out_of_memory(message: str) -> bool:
    """Return whether vLLM's message means that there was not enough memory."""
    return OUT_OF_MEMORY.search(message) is not None


def smaller(args: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Yield ever smaller arguments, each with a note of what was lowered; skip steps that lower nothing."""
    args = dict(args)
    for name, value in STEPS:
        current = args.get(name)
        if current is None or current > value:
            was = "the engine's default" if current is None else f"{current:g}"
            args[name] = value
            yield dict(args), f"{name} was lowered from {was} to {value:g}, for want of memory"


def helps(message: str, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Return whether smaller arguments can help, as a start in vain costs half a minute."""
    share = "gpu_memory_utilization"
    return not SHARE_TOO_LARGE.search(message) or after[share] < before[share]
