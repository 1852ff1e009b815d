"""Nothing is compiled for a request: not while others wait, and not where there is no compiler.

vLLM compiles some functions with torch at their first use, in spite of `enforce_eager`: that of `logprobs`
took 17 to 33 s, and killed the engine where there was no C++ compiler.
"""

import torch
from vllm.v1.engine.async_llm import AsyncLLM
from vllm.v1.worker.worker_base import WorkerBase

RPC = "jarvis_set_compiler_stance"
"""A method of every worker."""


def add_to_workers() -> None:
    """Let the workers of this process be told what to do about `torch.compile`."""
    setattr(WorkerBase, RPC, _set_stance)


def _set_stance(_: WorkerBase, stance: str) -> None:
    torch.compiler.set_stance(stance)


async def never(engine: AsyncLLM) -> None:
    """Have everything run as it is written, without `torch.compile`."""
    await engine.collective_rpc(RPC, args=("force_eager",))


async def no_more(engine: AsyncLLM) -> None:
    """Have what is compiled run so, and everything else as it is written."""
    await engine.collective_rpc(RPC, args=("eager_on_recompile",))
