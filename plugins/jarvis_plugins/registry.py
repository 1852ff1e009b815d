"""The adapters that plugins register."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Generic, TypeVar

from jarvis_plugins.settings import AdapterSettings
from jarvis_plugins.spec import S
from jarvis_ports.cache import Cache
from jarvis_ports.difficulty import DifficultyEstimator
from jarvis_ports.embedding import Embedder
from jarvis_ports.llm import LLM
from jarvis_ports.reranker import Reranker
from jarvis_ports.store import VectorStore
from jarvis_ports.telemetry import Telemetry

P = TypeVar("P")


class PortName(StrEnum):
    """The ports, each named like the method of `Registry` that registers an adapter for it."""

    LLM = "llm"
    EMBEDDER = "embedder"
    RERANKER = "reranker"
    STORE = "store"
    CACHE = "cache"
    ESTIMATOR = "estimator"
    TELEMETRY = "telemetry"


class DuplicateAdapter(ValueError):
    """An adapter's name is already taken."""


class UnknownAdapter(LookupError):
    """No adapter of that name is installed."""


@dataclass(frozen=True)
class Origin:
    """The plugin that something comes from: its entry point, its distribution, and the latter's version."""

    plugin: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"plugin {self.plugin!r} of {self.distribution} {self.version}"


@dataclass(frozen=True)
class Adapter(Generic[P]):
    """A registered adapter for the port `P`."""

    port: PortName
    name: str
    settings: type[AdapterSettings]
    factory: Callable[[Any], AbstractAsyncContextManager[P]]
    origin: Origin


class PluginRegistry:
    """Holds the adapters that one plugin, the `origin`, registers; see `jarvis_plugins.spec.Registry`."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.adapters: dict[tuple[PortName, str], Adapter[Any]] = {}

    def llm(
        self, name: str, *, settings: type[S], factory: Callable[[S], AbstractAsyncContextManager[LLM]]
    ) -> None:
        """Register an adapter for the `LLM` port."""
        self._add(PortName.LLM, name, settings, factory)

    def embedder(
        self, name: str, *, settings: type[S], factory: Callable[[S], AbstractAsyncContextManager[Embedder]]
    ) -> None:
        """Register an adapter for the `Embedder` port."""
        self._add(PortName.EMBEDDER, name, settings, factory)

    def reranker(
        self, name: str, *, settings: type[S], factory: Callable[[S], AbstractAsyncContextManager[Reranker]]
    ) -> None:
        """Register an adapter for the `Reranker` port."""
        self._add(PortName.RERANKER, name, settings, factory)

    def store(
        self,
        name: str,
        *,
        settings: type[S],
        factory: Callable[[S], AbstractAsyncContextManager[VectorStore]],
    ) -> None:
        """Register an adapter for the `VectorStore` port."""
        self._add(PortName.STORE, name, settings, factory)

    def cache(
        self, name: str, *, settings: type[S], factory: Callable[[S], AbstractAsyncContextManager[Cache]]
    ) -> None:
        """Register an adapter for the `Cache` port."""
        self._add(PortName.CACHE, name, settings, factory)

    def estimator(
        self,
        name: str,
        *,
        settings: type[S],
        factory: Callable[[S], AbstractAsyncContextManager[DifficultyEstimator]],
    ) -> None:
        """Register an adapter for the `DifficultyEstimator` port."""
        self._add(PortName.ESTIMATOR, name, settings, factory)

    def telemetry(
        self, name: str, *, settings: type[S], factory: Callable[[S], AbstractAsyncContextManager[Telemetry]]
    ) -> None:
        """Register an adapter for the `Telemetry` port."""
        self._add(PortName.TELEMETRY, name, settings, factory)

    def _add(
        self,
        port: PortName,
        name: str,
        settings: type[AdapterSettings],
        factory: Callable[[Any], AbstractAsyncContextManager[Any]],
    ) -> None:
        if (port, name) in self.adapters:
            msg = f"{self.origin} registers {port} {name!r} twice"
            raise DuplicateAdapter(msg)
        self.adapters[port, name] = Adapter(port, name, settings, factory, self.origin)
