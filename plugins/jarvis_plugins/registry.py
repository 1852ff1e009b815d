"""Which adapters there are."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

from jarvis_plugins.settings import AdapterSettings
from jarvis_plugins.spec import S
from jarvis_ports.llm import LLM


class DuplicateAdapter(ValueError):
    """Two plugins want one name."""


class UnknownAdapter(LookupError):
    """No adapter of that name is installed."""


@dataclass(frozen=True)
class Origin:
    """The plugin that something comes from: its entry point, its distribution, and that one's version."""

    plugin: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} of {self.distribution} {self.version}"


@dataclass(frozen=True)
class LLMAdapter:
    """A registered adapter for the `LLM` port."""

    name: str
    settings: type[AdapterSettings]
    factory: Callable[[Any], AbstractAsyncContextManager[LLM]]
    origin: Origin


class PluginRegistry:
    """Holds what one plugin, the `origin`, registers."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.llms: dict[str, LLMAdapter] = {}

    def llm(
        self, name: str, *, settings: type[S], factory: Callable[[S], AbstractAsyncContextManager[LLM]]
    ) -> None:
        """See `jarvis_plugins.spec.Registry.llm`."""
        if name in self.llms:
            msg = f"{self.origin} registers llm {name!r} twice"
            raise DuplicateAdapter(msg)
        self.llms[name] = LLMAdapter(name, settings, factory, self.origin)
