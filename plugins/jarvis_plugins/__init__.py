"""The plugin API: what an adapter author imports.

An adapter is a factory for a port, registered under a name. The package that brings it has an entry
point in the group `jarvis.v1`, which names a module with one hook:

    from jarvis_plugins import Registry, hookimpl

    @hookimpl
    def jarvis_register_adapters(registry: Registry) -> None:
        registry.llm("mine", settings=MySettings, factory=open_my_llm)
"""

from jarvis_plugins.settings import AdapterSettings, MemoryDemand, ModelRef
from jarvis_plugins.spec import Registry, hookimpl

__all__ = ["AdapterSettings", "MemoryDemand", "ModelRef", "Registry", "hookimpl"]
