"""Puts models to sleep, and wakes them."""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any

from jarvis.core.lifecycle.component import Component
from jarvis.core.lifecycle.draining import LOOK_SECONDS, drain
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.lifecycle.sleep import Sleep
from jarvis_plugins.registry import PortName
from jarvis_ports.errors import ComponentNotFound, Draining, EngineDead, RequestAborted
from jarvis_ports.llm import LLM
from jarvis_ports.values import State

ASKED = "was put to sleep, and sleeps until somebody wakes it"


class Sleeping:
    """The use case of putting a model to sleep, so that others get its memory, and of waking it.

    Args:
        components: the models, and what else the server opens.
        requests: the requests that are running.
        drain_timeout_seconds: how long requests may go on with a model that is to sleep.
    """

    def __init__(
        self, components: Iterable[Component[Any]], requests: Requests, drain_timeout_seconds: float
    ) -> None:
        self._components = components
        self._requests = requests
        self._drain_timeout_seconds = drain_timeout_seconds

    async def sleep(self, name: str) -> int:
        """Refuse new requests to a model, let those that run finish, and have it release its memory.

        A model that sleeps because it was idle is not woken by a request any more. If this is cancelled while
        requests still run, the model stays awake.

        Returns:
            How many requests were ended because they took too long.

        Raises:
            ComponentNotFound: no such model is configured.
            ModelLoading, EngineDead: it is not open.
            RequestAborted: it was woken before it slept.
            Draining: the server is shutting down.
        """
        model, ended = self._find(name), 0
        if model.reload:
            await asyncio.wait([model.reload])
        if (sleep := model.sleep) and not sleep.over.is_set():
            sleep.light = False
            sleep.why = model.message = ASKED
            model.changed.set()
        else:
            if not (instance := model.instance) or not model.loaded:
                raise model.closed()
            sleep = Sleep(ASKED, light=False)
            model.fall_asleep(sleep)
            within, wanted = self._drain_timeout_seconds, partial(_has, model, sleep)
            try:
                ended = await drain(model, instance, self._requests, within, "put to sleep", wanted=wanted)
            except asyncio.CancelledError:
                if wanted():
                    model.stay_awake()
                raise
            sleep.alone.set()
            model.suspect()
        while _has(model, sleep) and not sleep.fallen.is_set():  # noqa: ASYNC110 - it may die as well
            await asyncio.sleep(LOOK_SECONDS)
        if sleep.fallen.is_set():
            return ended
        if not model.loaded:  # it died meanwhile
            raise model.closed()
        raise RequestAborted(f"{model} was woken before it slept")

    async def wake(self, name: str) -> None:
        """Wake a model, and wait until it is ready; nothing is done if it is.

        Raises:
            ComponentNotFound: no such model is configured.
            EngineDead: it did not come up.
            Draining: the server is shutting down.
        """
        model = self._find(name)
        if sleep := model.sleep:
            if not sleep.alone.is_set():
                model.stay_awake()
                return
            sleep.over.set()
        while _has(model, sleep) if sleep else model.state is State.LOADING:  # noqa: ASYNC110 - as above
            await asyncio.sleep(LOOK_SECONDS)
        if not model.loaded:
            raise EngineDead(f"{model} {model.message}") if model.sleep else model.closed()

    def _find(self, name: str) -> Component[LLM]:
        if self._requests.draining:
            raise Draining("the server is shutting down")
        models = {one.name: one for one in self._components if one.port_name is PortName.LLM}
        if name not in models:
            raise ComponentNotFound(PortName.LLM, name, [f"{PortName.LLM} {one}" for one in models])
        return models[name]


def _has(model: Component[LLM], sleep: Sleep) -> bool:
    """Return whether a sleep is still the model's."""
    return model.sleep is sleep
