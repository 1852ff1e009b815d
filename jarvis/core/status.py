"""What the server is and does, for whoever asks."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from jarvis.core.component import Component
from jarvis.core.instruments import Instruments
from jarvis.core.model import Model
from jarvis.core.requests import Requests
from jarvis.core.retrieval import Library
from jarvis.core.routing import Routes
from jarvis_plugins.loader import Adapters
from jarvis_ports.cache import Cache
from jarvis_ports.difficulty import DifficultyEstimator
from jarvis_ports.embedding import Embedder
from jarvis_ports.llm import LLMCapabilities
from jarvis_ports.telemetry import Telemetry
from jarvis_ports.values import Gpu, HealthLevel, State


@dataclass
class Components:
    """All that the server opens; None is what the configuration turns off."""

    routes: Routes
    embedder: Component[Embedder] | None = None
    store: Component[Library] | None = None
    caches: Sequence[Component[Cache]] = ()
    estimator: Component[DifficultyEstimator] | None = None
    telemetry: Component[Telemetry] | None = None

    @property
    def beside_models(self) -> list[Component[Any]]:
        """The embedder, the store, the tiers of the cache, the estimator of difficulty, and telemetry."""
        found = (self.embedder, self.store, *self.caches, self.estimator, self.telemetry)
        return [component for component in found if component]


class Status:
    """Reads the state of everything; holds none of its own but the time of its start.

    Args:
        components: what is opened.
        requests: those that run.
        adapters: those that are installed.
        instruments: know what was done of late, and what is left of the error budgets.
        gpus: reads the GPUs of this machine, which may take its time; None where there is none.
    """

    def __init__(
        self,
        components: Components,
        requests: Requests,
        adapters: Adapters,
        instruments: Instruments,
        gpus: Callable[[], Sequence[Gpu]] | None = None,
    ) -> None:
        self.components = components
        self.routes = components.routes
        self.requests = requests
        self.adapters = adapters
        self.instruments = instruments
        self._gpus = gpus
        self._driver = ThreadPoolExecutor(1, thread_name_prefix="gpus")
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
        needed = self._needed
        return next((state for state in (State.FAILED, State.LOADING) if state in needed), State.READY)

    @property
    def health(self) -> HealthLevel:
        """Unhealthy where what is needed has failed; degraded where anything else is amiss."""
        if State.FAILED in self._needed:
            return HealthLevel.UNHEALTHY
        ready = all(component.state is State.READY for component in self.all)
        troubled = self.requests.draining or any(model.breaker.open for model in self.routes.models)
        return HealthLevel.HEALTHY if ready and not troubled else HealthLevel.DEGRADED

    @property
    def models_loaded(self) -> list[str]:
        """The names of the models that are open, in the order of the configuration."""
        return [model.name for model in self.routes.models if model.loaded]

    @property
    def _needed(self) -> set[State]:
        states = {c.state for c in (self.components.embedder, self.components.store) if c}
        return states | {self._best_of_default_route}

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

    def gpus(self) -> Sequence[Gpu]:
        """Read the GPUs of this machine, in a thread that may wait for it."""
        return self._gpus() if self._gpus else ()

    async def read_gpus(self) -> Sequence[Gpu]:
        """Read the GPUs of this machine, in a thread of its own: no driver holds up anything else."""
        if self._gpus is None:
            return ()
        return await asyncio.get_running_loop().run_in_executor(self._driver, self._gpus)

    @staticmethod
    def capabilities(model: Model) -> LLMCapabilities | None:
        """What a model can do; None until it is loaded."""
        return model.loaded.capabilities() if model.loaded else None
