"""The hook that plugins implement."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

import pluggy

from jarvis_plugins.settings import AdapterSettings
from jarvis_ports.cache import Cache
from jarvis_ports.difficulty import DifficultyEstimator
from jarvis_ports.embedding import Embedder
from jarvis_ports.llm import LLM
from jarvis_ports.reranker import Reranker
from jarvis_ports.store import VectorStore
from jarvis_ports.telemetry import Telemetry

API = "jarvis.v1"
"""The entry-point group, one for each major version of this API."""

S = TypeVar("S", bound=AdapterSettings)

hookspec = pluggy.HookspecMarker(API)
hookimpl = pluggy.HookimplMarker(API)


class Registry(Protocol):
    """Takes the adapters of a plugin; it has one method for each port.

    The factory starts the adapter when its context is entered, and has stopped it when the context is left.
    It imports the library behind the adapter only then, so that listing plugins stays fast. All methods
    raise `DuplicateAdapter` if the name is taken.
    """

    def llm(
        self, name: str, *, settings: type[S], factory: Callable[[S], AbstractAsyncContextManager[LLM]]
    ) -> None:
        """Register an adapter for the `LLM` port."""
        ...

    def embedder(
        self, name: str, *, settings: type[S], factory: Callable[[S], AbstractAsyncContextManager[Embedder]]
    ) -> None:
        """Register an adapter for the `Embedder` port."""
        ...

    def reranker(
        self, name: str, *, settings: type[S], factory: Callable[[S], AbstractAsyncContextManager[Reranker]]
    ) -> None:
        """Register an adapter for the `Reranker` port."""
        ...

    def store(
        self,
        name: str,
        *,
        settings: type[S],
        factory: Callable[[S], AbstractAsyncContextManager[VectorStore]],
    ) -> None:
        """Register an adapter for the `VectorStore` port."""
        ...

    def cache(
        self, name: str, *, settings: type[S], factory: Callable[[S], AbstractAsyncContextManager[Cache]]
    ) -> None:
        """Register an adapter for the `Cache` port."""
        ...

    def estimator(
        self,
        name: str,
        *,
        settings: type[S],
        factory: Callable[[S], AbstractAsyncContextManager[DifficultyEstimator]],
    ) -> None:
        """Register an adapter for the `DifficultyEstimator` port."""
        ...

    def telemetry(
        self, name: str, *, settings: type[S], factory: Callable[[S], AbstractAsyncContextManager[Telemetry]]
    ) -> None:
        """Register an adapter for the `Telemetry` port."""
        ...


@hookspec
def jarvis_register_adapters(registry: Registry) -> None:
    """Register this plugin's adapters. Only register them: start nothing, and import no engine."""
