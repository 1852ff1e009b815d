"""A deterministic stand-in for a model, for tests, plugin authors, and benchmarks of the server itself."""

from jarvis_adapters.echo.adapter import EchoSettings, open_echo
from jarvis_plugins import Registry, hookimpl


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register `echo`."""
    registry.llm("echo", settings=EchoSettings, factory=open_echo)
