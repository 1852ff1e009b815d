"""Keeps vLLM from compiling for a request, as others would have to wait, or there may be no compiler.

vLLM compiles some functions with torch at their first use, in spite of `enforce_eager`: the one for
`logprobs` took 17 to 33 s, and killed the engine if there was no C++ compiler.
"""

import torch
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.worker.worker_base import WorkerBase

RPC = "jarvis_set_compiler_stance"
"""The name of the method that every worker gets."""


def add_to_workers() -> None:
    """Give the workers of this process a method that sets torch's stance on compiling."""
    setattr(WorkerBase, RPC, _set_stance)


def _set_stance(_: WorkerBase, stance: str) -> None:
    torch.compiler.set_stance(stance)


async def never(engine: AsyncLLM) -> None:
    """Make the engine run everything eagerly, without `torch.compile`."""
    await engine.collective_rpc(RPC, args=("force_eager",))


async def no_more(engine: AsyncLLM) -> None:
    """Make the engine use what is compiled already, and run everything else eagerly."""
    await engine.collective_rpc(RPC, args=("eager_on_recompile",))
