"""A configured model, and what routes know of it."""

import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from dataclasses import dataclass
from typing import Any

from jarvis.core.lifecycle.component import Component, WhenUnwell
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis_plugins.registry import PortName
from jarvis_ports.difficulty import HARDEST
from jarvis_ports.errors import EngineDead, EngineFailure, JarvisError, Overloaded
from jarvis_ports.llm import LLM, LLMCapabilities
from jarvis_ports.values import State

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Terms:
    """The requests that a model is for: how difficult, at what priority, and how many at a time."""

    difficulties: range = range(HARDEST + 1)
    priority: int = 0
    max_requests: int | None = None


class Model(Component[LLM]):
    """A model: the life of its adapter, its terms, and its breaker. See `Component` for the other arguments.

    Args:
        terms: which requests it is for.
        breaker: follows how its requests end.
    """

    def __init__(  # noqa: PLR0913 - all that it is made of
        self,
        name: str,
        adapter: str,
        open_port: Callable[[], AbstractAsyncContextManager[LLM]],
        when_unwell: WhenUnwell = WhenUnwell.EXIT,
        *,
        after: Component[Any] | None = None,
        terms: Terms = Terms(),
        breaker: CircuitBreaker,
    ) -> None:
        super().__init__(PortName.LLM, name, adapter, open_port, when_unwell, after=after)
        self.terms = terms
        self.breaker = breaker
        self.active = 0
        self.waiting = 0

    def __str__(self) -> str:
        return f"model {self.name!r}"

    @property
    def capabilities(self) -> LLMCapabilities | None:
        """What the model can do; None while it is not loaded."""
        return self.loaded.capabilities() if self.loaded else None

    @contextmanager
    def request(self) -> Iterator[None]:
        """Count a request while it runs.

        Raises:
            Overloaded: the model has as many requests as it may have.
        """
        most = self.terms.max_requests
        if most is not None and self.active >= most:
            msg = f"{self} has {self.active} requests, as many as it may have"
            raise Overloaded(msg)
        self.active += 1
        try:
            with self.breaker.attempt():
                yield
        finally:
            self.active -= 1

    @contextmanager
    def queued(self) -> Iterator[None]:
        """Count a request while it has no output."""
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1

    def failed(self, error: JarvisError) -> None:
        """Take note of the error that a request ended with."""
        if isinstance(error, EngineDead):
            self.suspect()
            self.set_retry_after(error)
        if isinstance(error, EngineDead | EngineFailure):
            before = self.breaker.open
            self.breaker.failed()
            if self.breaker.open and not before:
                logger.warning("%s keeps failing, and is tried last for a while: %s", self, error)

    def _become(self, state: State, message: str, port: LLM | None = None) -> None:
        if state is State.READY:
            self.breaker.succeeded()  # the engine is a new one
        super()._become(state, message, port)
