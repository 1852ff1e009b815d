"""A configured model, and what routes know of it."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from jarvis.core.admission import Admission, Bounds, Scopes, Ticket
from jarvis.core.lifecycle.component import Component, WhenUnwell
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis_plugins.registry import PortName
from jarvis_ports.difficulty import HARDEST
from jarvis_ports.errors import EngineDead, EngineFailure, JarvisError
from jarvis_ports.llm import LLM, LLMCapabilities, TellsCacheUsage
from jarvis_ports.values import State

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Terms:
    """The requests that a model is for: how difficult, at what priority; and how many at a time.

    Attributes:
        bounds: bounds on what runs and waits.
        slots: how many answers it works on at a time; None leaves that to the adapter.
    """

    difficulties: range = range(HARDEST + 1)
    priority: int = 0
    bounds: Bounds = Bounds()
    slots: int | None = None


class Model(Component[LLM]):
    """A model: the life of its adapter, its terms, and its breaker. See `Component` for the other arguments.

    Args:
        terms: which requests it is for.
        breaker: follows how its requests end.
        scopes: bounds on all models together, and on callers.
    """

    def __init__(  # noqa: PLR0913 - all that it is made of
        self,
        name: str,
        adapter: str,
        open_port: Callable[[], AbstractAsyncContextManager[LLM]],
        when_unwell: WhenUnwell = WhenUnwell.EXIT,
        *,
        after: Component[Any] | None = None,
        idle_seconds: float | None = None,
        terms: Terms = Terms(),
        breaker: CircuitBreaker,
        scopes: Scopes | None = None,
    ) -> None:
        super().__init__(
            PortName.LLM, name, adapter, open_port, when_unwell, after=after, idle_seconds=idle_seconds
        )
        self.terms = terms
        self.breaker = breaker
        self.admission = Admission(str(self), terms.bounds, scopes)
        self.active = 0
        self.waiting = 0
        self._cache: TellsCacheUsage | None = None

    def __str__(self) -> str:
        return f"model {self.name!r}"

    @property
    def capabilities(self) -> LLMCapabilities | None:
        """What the model can do; None while it is not loaded."""
        return self.loaded.capabilities() if self.loaded else None

    def utilization(self, ended: int = 0) -> float | None:
        """Return how many slots are taken or waited for, as a share of all; None if it has no such number.

        Args:
            ended: how many answers to count that have just left theirs.
        """
        capabilities = self.capabilities
        slots = capabilities and (self.terms.slots or capabilities.slots)
        return (self.admission.wanted + ended) / slots if slots else None

    @property
    def kv_cache_usage(self) -> float | None:
        """The share of the cache of keys and values that is in use; None if the engine does not tell."""
        return self._cache.kv_cache_usage() if self._cache else None

    @asynccontextmanager
    async def request(self, ticket: Ticket) -> AsyncIterator[LLM]:
        """Wait for a request's turn, and keep its slot while the block runs; yield the opened adapter.

        Raises:
            ModelLoading, ModelAsleep, EngineDead: it is not open, or is so no longer when the turn has come.
            Overloaded, DeadlineTooShort: see `Admission.slot`.
        """
        capabilities = self.port.capabilities()
        self.active += 1
        try:
            async with AsyncExitStack() as stack:
                with self.queued():
                    slot = self.admission.slot(ticket, self.terms.slots or capabilities.slots)
                    await stack.enter_async_context(slot)
                with self.breaker.attempt(), self.use() as llm:
                    yield llm
        finally:
            self.active -= 1

    @contextmanager
    def queued(self) -> Iterator[None]:
        """Count a request while it has no slot, or no output."""
        self.waiting += 1
        try:
            yield
        finally:
            self.waiting -= 1

    def failed(self, error: JarvisError) -> None:
        """Take note of the error that a request ended with, unless its engine has been replaced."""
        if self.uses_replaced:
            return
        if isinstance(error, EngineDead):
            self.suspect()
            self.set_retry_after(error)
        if isinstance(error, EngineDead | EngineFailure):
            before = self.breaker.open
            self.breaker.failed()
            if self.breaker.open and not before:
                logger.warning("%s keeps failing, and is tried last for a while: %s", self, error)

    def retire(self, why: str) -> None:
        """Refuse all requests, also those that wait; whoever calls this ends the task that keeps it open."""
        self._become(State.FAILED, why)

    def _become(self, state: State, message: str, port: LLM | None = None) -> None:
        if state is State.READY:
            self.breaker.succeeded()  # the engine is a new one
        super()._become(state, message, port)
        self._cache = port if isinstance(port, TellsCacheUsage) else None
        if port is None:
            self.admission.refuse_all(self.closed)
