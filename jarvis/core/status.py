"""The state of the server as a whole."""

import time
from enum import StrEnum

from jarvis.core.lifecycle.components import Components
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.routing import Routes
from jarvis_plugins.registry import PortName
from jarvis_ports.values import HealthLevel, State


class Capability(StrEnum):
    """What the server can do for callers; the contract has a service for each."""

    GENERATION = "generation"
    EMBEDDING = "embedding"
    RETRIEVAL = "retrieval"


class Status:
    """Works out the state of the server from that of its parts.

    Args:
        components: everything that the server opens.
        routes: the models among them, and the routes over these.
        requests: the requests that are running.
    """

    def __init__(self, components: Components, routes: Routes, requests: Requests) -> None:
        self._components = components
        self._routes = routes
        self._requests = requests
        self._started = time.monotonic()

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def state(self) -> State:
        """Draining, or the worst state among the components that are needed.

        One model of the default route is enough, and no cache is needed: without one the server is only slow.
        """
        if self._requests.draining:
            return State.DRAINING
        needed = self._needed
        worst = (State.FAILED, State.LOADING, State.SLEEPING)
        return next((state for state in worst if state in needed), State.READY)

    @property
    def health(self) -> HealthLevel:
        """Unhealthy if a component that is needed has failed; degraded if anything else is amiss."""
        if State.FAILED in self._needed:
            return HealthLevel.UNHEALTHY
        ready = all(component.serving for component in self._components)
        troubled = self._requests.draining or any(model.breaker.open for model in self._routes.models)
        return HealthLevel.HEALTHY if ready and not troubled else HealthLevel.DEGRADED

    @property
    def models_loaded(self) -> list[str]:
        """The names of the models that are open, in the order of the configuration."""
        return [model.name for model in self._routes.models if model.loaded]

    @property
    def _needed(self) -> set[State]:
        found = (self._components.one(port) for port in (PortName.EMBEDDER, PortName.STORE))
        return {self._best_of_default_route, *(component.state for component in found if component)}

    @property
    def _best_of_default_route(self) -> State:
        models = self._routes.get("").order(None)
        if any(model.serving for model in models):
            return State.READY
        states = {model.state for model in models}
        return next((state for state in (State.LOADING, State.SLEEPING) if state in states), State.FAILED)

    @property
    def serving(self) -> dict[Capability, bool]:
        """Whether each capability that is configured is available now."""
        found = {Capability.GENERATION: self._best_of_default_route is State.READY}
        if reranker := self._components.one(PortName.RERANKER):
            found[Capability.EMBEDDING] = reranker.serving  # unless an embedder is there, whose service it is
        if embedder := self._components.one(PortName.EMBEDDER):
            found[Capability.EMBEDDING] = embedder.serving
            if store := self._components.one(PortName.STORE):
                found[Capability.RETRIEVAL] = embedder.serving and store.serving
        return found

    async def change(self) -> None:
        """Wait until a state, or what there is, has changed since the last call."""
        await self._components.changed.wait()
        self._components.changed.clear()
