"""What the server is and does, for whoever asks."""

import time

from jarvis.core.model import Model, Models, State
from jarvis.core.requests import Requests
from jarvis_plugins.loader import Adapters
from jarvis_ports.llm import LLMCapabilities


class Status:
    """Reads the state of everything; holds none of its own but the time of its start."""

    def __init__(self, models: Models, requests: Requests, adapters: Adapters) -> None:
        self.models = models
        self.requests = requests
        self.adapters = adapters
        self._started = time.monotonic()

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    @property
    def state(self) -> State:
        """Draining, or the worst of the models' states."""
        if self.requests.draining:
            return State.DRAINING
        states = {model.state for model in self.models}
        return next((state for state in (State.FAILED, State.LOADING) if state in states), State.READY)

    @staticmethod
    def capabilities(model: Model) -> LLMCapabilities | None:
        """What a model can do; None until it is loaded."""
        return model.loaded.capabilities() if model.loaded else None
