"""A deterministic stand-in for an embedding model, for tests, plugin authors, and benchmarks."""

from jarvis_adapters.hashing.adapter import HashingSettings, open_hashing
from jarvis_plugins import Registry, hookimpl


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register `hashing`."""
    registry.embedder("hashing", settings=HashingSettings, factory=open_hashing)
