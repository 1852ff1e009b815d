"""What the server is and does, for whoever asks."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from jarvis.core.component import Component, State
from jarvis.core.model import Model
from jarvis.core.requests import Requests
from jarvis.core.retrieval import Library
from jarvis.core.routing import Routes
from jarvis_plugins.loader import Adapters
from jarvis_ports.cache import Cache
from jarvis_ports.difficulty import DifficultyEstimator
from jarvis_ports.embedding import Embedder
from jarvis_ports.llm import LLMCapabilities


@dataclass
class Components:
    """All that the server opens; None is what the configuration turns off."""

    routes: Routes
    embedder: Component[Embedder] | None = None
    store: Component[Library] | None = None
    caches: Sequence[Component[Cache]] = ()
    estimator: Component[DifficultyEstimator] | None = None

    @property
    def beside_models(self) -> list[Component[Any]]:
        """The embedder, the store, the tiers of the cache, and the estimator of difficulty."""
        found = (self.embedder, self.store, *self.caches, self.estimator)
        return [component for component in found if component]


class Status:
    """Reads the state of everything; holds none of its own but the time of its start."""

    def __init__(self, components: Components, requests: Requests, adapters: Adapters) -> None:
        self.components = components
        self.routes = components.routes
        self.requests = requests
        self.adapters = adapters
        self._started = time.monotonic()
        self._changed = asyncio.Event()
        for component in self.all:
            component.changed = self._changed

    @property
    def all(self) -> list[Component[Any]]:
        """Everything that is opened."""
        return [*self.routes.models, *self.components.beside_models]

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def state(self) -> State:
        """Draining, or the worst of the states of what is needed.

        One model of the default route is enough; without a cache it is slow, and no more.
        """
        if self.requests.draining:
            return State.DRAINING
        states = {c.state for c in (self.components.embedder, self.components.store) if c}
        states.add(self._best_of_default_route)
        return next((state for state in (State.FAILED, State.LOADING) if state in states), State.READY)

    @property
    def _best_of_default_route(self) -> State:
        states = {model.state for model in self.routes.get("").order(None)}
        return next((state for state in (State.READY, State.LOADING) if state in states), State.FAILED)

    @property
    def serving(self) -> dict[str, bool]:
        """Whether each service that is configured can answer."""
        components = self.components
        states = {"GenerationService": [self._best_of_default_route]}
        if components.embedder:
            states["EmbeddingService"] = [components.embedder.state]
            if components.store:
                states["RetrievalService"] = [components.embedder.state, components.store.state]
        return {service: set(own) == {State.READY} for service, own in states.items()}

    async def change(self) -> None:
        """Wait until a state has changed since the last call."""
        await self._changed.wait()
        self._changed.clear()

    @staticmethod
    def capabilities(model: Model) -> LLMCapabilities | None:
        """What a model can do; None until it is loaded."""
        return model.loaded.capabilities() if model.loaded else None
