"""The hook that plugins implement."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

import pluggy

from jarvis_plugins.settings import AdapterSettings
from jarvis_ports.llm import LLM

API = "jarvis.v1"
"""The entry-point group, one for each major version of this API."""

S = TypeVar("S", bound=AdapterSettings)

hookspec = pluggy.HookspecMarker(API)
hookimpl = pluggy.HookimplMarker(API)


class Registry(Protocol):
    """Where a plugin leaves its adapters: one method for each port."""

    def llm(
        self, name: str, *, settings: type[S], factory: Callable[[S], AbstractAsyncContextManager[LLM]]
    ) -> None:
        """Register an adapter for the `LLM` port.

        The factory starts the engine when its context is entered, and has stopped it when the context is
        left. It imports the engine itself, so that listing plugins stays fast.

        Raises:
            DuplicateAdapter: the name is taken.
        """
        ...


@hookspec
def jarvis_register_adapters(registry: Registry) -> None:
    """Register this plugin's adapters. Only register: start nothing, import no engine."""
