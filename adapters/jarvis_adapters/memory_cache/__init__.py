"""The `Cache` port in this process's memory; its values are gone with the process."""

from jarvis_adapters.memory_cache.adapter import MemoryCacheSettings, open_memory_cache
from jarvis_plugins import Registry, hookimpl


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register `memory`."""
    registry.cache("memory", settings=MemoryCacheSettings, factory=open_memory_cache)
