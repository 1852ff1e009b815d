"""How many further weights (LoRA) an engine is given, and told that it would be.

vLLM's CPU build takes the last place for weights where a request has none of its own, and so would give the
answers of whatever is there to requests for the model alone, if they are in one batch (seen with 0.32;
https://github.com/vllm-project/vllm/pull/48421). So there is one place more than is ever filled; it is zero.
"""

from typing import Any

from jarvis_adapters.vllm.memory import is_cpu_build


def room(places: int) -> int:
    """Return how many weights an engine with so many places is given."""
    return places - 1 if is_cpu_build() else places


def with_empty_place(args: dict[str, Any], *, cpu: bool) -> dict[str, Any]:
    """Return the arguments of an engine that takes further weights, with the place that stays empty."""
    if not (cpu and args.get("enable_lora")):
        return args
    places = max(args.get("max_loras") or 1, args.get("max_cpu_loras") or 1) + 1
    return {**args, "max_loras": places, "max_cpu_loras": places}
