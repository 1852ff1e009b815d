"""Deterministic stand-ins for an embedder and a reranker, for tests, plugin authors, and benchmarks."""

from jarvis_adapters.hashing.adapter import HashingSettings, open_hashing
from jarvis_adapters.hashing.overlap import OverlapSettings, open_overlap
from jarvis_plugins import Registry, hookimpl


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register `hashing`, and the reranker `overlap`."""
    registry.embedder("hashing", settings=HashingSettings, factory=open_hashing)
    registry.reranker("overlap", settings=OverlapSettings, factory=open_overlap)
