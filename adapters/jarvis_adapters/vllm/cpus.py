"""Keeps an engine's threads on their own CPUs. This runs in the engine's process."""

import os

from vllm.v1.executor.multiproc_executor import MultiprocExecutor

CPUS = "cpus"
"""The key of `additional_config` that holds the CPUs."""


class OnCPUs(MultiprocExecutor):  # type: ignore[misc] # vLLM is untyped here
    """vLLM's own executor, with the threads of its worker bound to given CPUs.

    vLLM takes the CPUs from the environment, which the engines of one server share: by default, all engines
    bind to the same CPUs.
    """

    def _init_executor(self) -> None:
        os.environ["VLLM_CPU_OMP_THREADS_BIND"] = self.vllm_config.additional_config[CPUS]
        super()._init_executor()
