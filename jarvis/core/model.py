"""A configured model: the life of its engine."""

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from enum import StrEnum

from jarvis_ports.errors import EngineDead, ModelLoading, ModelNotFound
from jarvis_ports.llm import LLM

logger = logging.getLogger(__name__)

HEALTH_INTERVAL = 1.0
"""Seconds between two questions to an engine about its health."""
RESTART_DELAYS = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds before each restart in a row; the last one repeats."""


class State(StrEnum):
    """The state of a model, or of the server."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    DRAINING = "draining"


class Model:
    """Starts an engine, watches its health, and restarts it where that is wanted.

    Args:
        name: what callers call it.
        adapter: the adapter's name.
        open_llm: opens the engine; the context that it returns stops it.
        restart: start the engine again when it dies, instead of giving up.
    """

    def __init__(
        self,
        name: str,
        adapter: str,
        open_llm: Callable[[], AbstractAsyncContextManager[LLM]],
        *,
        restart: bool = False,
    ) -> None:
        self.name = name
        self.adapter = adapter
        self.state = State.LOADING
        self.message = ""
        self.restarts = 0
        self._open_llm = open_llm
        self._restart = restart
        self.changed = asyncio.Event()
        self._llm: LLM | None = None
        self._look_now = asyncio.Event()

    @property
    def llm(self) -> LLM:
        """The loaded engine.

        Raises:
            ModelLoading: it is not loaded yet.
            EngineDead: it died.
        """
        if self._llm is not None:
            return self._llm
        if self.state is State.LOADING:
            msg = f"model {self.name!r} is still loading"
            raise ModelLoading(msg)
        msg = f"the engine of model {self.name!r} is down: {self.message}"
        raise EngineDead(msg)

    @property
    def loaded(self) -> LLM | None:
        """The loaded engine, if there is one."""
        return self._llm

    def suspect(self) -> None:
        """Look at the engine's health now: a request has seen it fail."""
        self._look_now.set()

    async def run(self) -> None:
        """Keep the engine up until cancelled.

        Raises:
            EngineDead: it died, and is not to be restarted.
            Exception: it did not start the first time, or is not to be restarted; what the adapter raised.
        """
        failures = 0
        while True:
            try:
                async with self._open_llm() as llm:
                    logger.info("model %s is ready (%s)", self.name, self.adapter)
                    failures = 0
                    self._become(State.READY, "", llm)
                    message = await self._until_unwell(llm)
                    self._become(State.FAILED, message)
            except Exception as error:
                self._become(State.FAILED, str(error))
                if not self._restart or not self.restarts:  # what never worked is the operator's to mend
                    raise
            logger.error("model %s: %s", self.name, self.message)
            if not self._restart:
                msg = f"the engine of model {self.name!r} died: {self.message}"
                raise EngineDead(msg)
            await asyncio.sleep(RESTART_DELAYS[min(failures, len(RESTART_DELAYS) - 1)])
            failures += 1
            self.restarts += 1
            self._become(State.LOADING, f"restart {self.restarts}, after: {self.message}")

    async def _until_unwell(self, llm: LLM) -> str:
        while (health := await llm.health()).ok:
            self._look_now.clear()
            try:
                await asyncio.wait_for(self._look_now.wait(), HEALTH_INTERVAL)
            except TimeoutError:
                continue
        return health.message

    def _become(self, state: State, message: str, llm: LLM | None = None) -> None:
        self.state, self.message, self._llm = state, message, llm
        self.changed.set()


class Models:
    """The configured models, by name, in the order of the configuration."""

    def __init__(self, models: list[Model], default: str) -> None:
        self._by_name = {model.name: model for model in models}
        self._changed = asyncio.Event()
        self.default = default
        for model in models:
            model.changed = self._changed

    def __iter__(self) -> Iterator[Model]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Model:
        """Find a model; an empty name is the default.

        Raises:
            ModelNotFound: no model has that name.
        """
        if model := self._by_name.get(name or self.default):
            return model
        raise ModelNotFound(name, list(self._by_name))

    async def change(self) -> None:
        """Wait until a model's state has changed since the last call."""
        await self._changed.wait()
        self._changed.clear()

    @property
    def ready(self) -> bool:
        """Whether every model answers."""
        return all(model.state is State.READY for model in self)
