"""Puts together what several steps of a busy engine add to an answer, as each delta costs something."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from vllm.v1.engine import EngineCoreOutput, EngineCoreOutputs

FEW = 8
"""The most answers of a step that are passed on as they come."""
SECONDS = 0.02
"""How long a token is held back at most: too short to be seen, and three steps or four of a fast engine."""
ALONE = (
    "finish_reason",
    "prefill_stats",
    "new_logprobs",
    "new_prompt_logprobs_tensors",
    "pooling_output",
    "events",
    "kv_transfer_params",
    "ec_transfer_params",
    "routed_experts",
    "mm_cache_miss_hashes",
    "new_sampling_mask",
    "spec_decode_metrics",
    "prompt_token_id_logprobs",
)
"""What is not held back: an answer's first output and its last, and those that hold more than tokens."""

Get = Callable[[], Awaitable[EngineCoreOutputs]]


class Merging:
    """The outputs of an engine, in their order for each answer.

    vLLM reads an output of several tokens as one of speculative decoding, and looks among them for a text
    that ends the answer. An output that holds more than tokens is never held back: see `ALONE`.

    Args:
        get: waits for what the engine's next step adds to answers.
    """

    def __init__(self, get: Get) -> None:
        self._get = get
        self._held: dict[str, Any] = {}
        self._until = 0.0
        self._last = 0.0

    async def get(self) -> EngineCoreOutputs:
        """Wait for the next outputs; raise what the engine's own `get_output_async` raises."""
        if not self._held:
            step = await self._get()
            if len(step.outputs) <= FEW:
                return step
            self._until = time.monotonic() + SECONDS
        else:
            try:
                async with asyncio.timeout(self._until - time.monotonic()):
                    step = await self._get()
            except TimeoutError:
                return EngineCoreOutputs(outputs=self._taken())
        now = time.monotonic()
        ready = self._ready(step.outputs)
        if len(step.outputs) <= FEW or now + (now - self._last) > self._until:  # the next step would be late
            ready += self._taken()
        self._last = now
        step.outputs = ready
        return step

    def _ready(self, outputs: list[EngineCoreOutput]) -> list[EngineCoreOutput]:
        """Return the outputs that cannot wait, with what was held back before them; hold back the others."""
        ready = []
        for output in outputs:
            held = self._held.get(output.request_id)
            if output.num_nans_in_logits or any(getattr(output, name) is not None for name in ALONE):
                if held:
                    output.new_token_ids = held.new_token_ids + output.new_token_ids
                    del self._held[output.request_id]
                ready.append(output)
            elif held:
                held.new_token_ids += output.new_token_ids
            else:
                self._held[output.request_id] = output
        return ready

    def _taken(self) -> list[EngineCoreOutput]:
        taken = list(self._held.values())
        self._held.clear()
        return taken
