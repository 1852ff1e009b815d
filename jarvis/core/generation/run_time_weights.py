"""Loads further weights (LoRA) into engines while the server runs, and unloads them."""

import asyncio
import logging
import re
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from jarvis.core.lifecycle.components import Components
from jarvis.core.lifecycle.draining import LOOK_SECONDS, drain
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.routing import Routes
from jarvis.core.routing.model import Model
from jarvis.core.violations import Violations
from jarvis_ports.errors import (
    CannotUnload,
    Draining,
    EngineStartFailed,
    NameTaken,
    NotConfigured,
    WeightsNotFound,
)
from jarvis_ports.values import AdapterWeights, WeightsRequest

logger = logging.getLogger(__name__)

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,99}")
MOST_NAMES = 256
"""The most names that may be used while the server runs: metrics have each as a label until it ends."""
T = TypeVar("T")


@dataclass(frozen=True)
class _Loaded:
    """Weights that are loaded: what was asked for, the model that has them, and the task that keeps it."""

    wanted: WeightsRequest
    model: Model
    run: "asyncio.Task[None]"


class RunTimeWeights:
    """The use case of loading further weights, as a model of their own, and of unloading them.

    Args:
        configured: the weights that the configuration has, by name.
        routes: find the models.
        components: watch over them.
        requests: the requests that are running.
        find: checks the files in a folder of weights, and returns it; None if no folder may have any.
        make: makes the model, of what was asked for, the one without them, and what finds their folder.
        drain_timeout_seconds: how long requests may go on with weights that are to be unloaded.

    Attributes:
        tasks: what runs because of it, and is to be cancelled when the server stops.
    """

    def __init__(  # noqa: PLR0913 - all that it is made of
        self,
        configured: Mapping[str, WeightsRequest],
        *,
        routes: Routes,
        components: Components,
        requests: Requests,
        find: Callable[[str], Path] | None,
        make: Callable[[WeightsRequest, Model, Callable[[], Path]], Model],
        drain_timeout_seconds: float,
    ) -> None:
        self.tasks: set[asyncio.Task[Any]] = set()
        self._configured = configured
        self._routes = routes
        self._components = components
        self._requests = requests
        self._find = find
        self._make = make
        self._drain_timeout_seconds = drain_timeout_seconds
        self._loading: set[str] = set()
        self._loaded: dict[str, _Loaded] = {}
        self._names: set[str] = set()

    def listed(self) -> tuple[AdapterWeights, ...]:
        """Return the weights that are configured, and those that were loaded since."""
        states = {model.name: model.shown[0] for model in self._routes.models}
        wanted = [*self._configured.values(), *(loaded.wanted for loaded in self._loaded.values())]
        return tuple(
            AdapterWeights(one.name, one.base, one.path, states[one.name], one.name in self._configured)
            for one in wanted
        )

    async def load(self, wanted: WeightsRequest) -> None:
        """Load weights, and have requests find them by their name.

        If this is cancelled, or fails, nothing stays loaded.

        Raises:
            NotConfigured: no folder may have weights.
            InvalidArgument: there is no such model with an engine of its own, the name cannot be one, or the
                path leads elsewhere or to no LoRA.
            NameTaken: a model or a route has that name.
            ModelLoading, ModelAsleep, EngineDead: the model whose engine is to get them is not open.
            EngineStartFailed: they cannot be used with it, or there is no room.
            Draining: the server is shutting down.
        """
        if not self._find:
            raise NotConfigured("no weights can be loaded: name their folders in server.weights_folders")
        find = partial(self._find, wanted.path)
        base = await self._checked(wanted, find)
        if wanted.name in self._routes or wanted.name in self._loading:
            again = f"; jarvis adapters reload llm {wanted.name} reads its files anew"
            raise NameTaken(
                f"the name {wanted.name!r} is taken{again if wanted.name in self._loaded else ''}"
            )
        _ = base.port  # raises, and has an idle one load
        self._loading.add(wanted.name)
        try:
            await self._open(wanted, base, find)
        finally:
            self._loading.discard(wanted.name)

    async def _checked(self, wanted: WeightsRequest, find: Callable[[], Path]) -> Model:
        """Return the model whose engine is to get weights, if all that was asked for is right."""
        violations = Violations()
        others = {*self._configured, *self._loaded}
        bases = {model.name: model for model in self._routes.models if model.name not in others}
        if wanted.base not in bases:
            what = f"is none of the models with an engine of their own ({', '.join(bases)})"
            violations.blame("base", f"{wanted.base[:80]!r} {what}")
        if not NAME.fullmatch(wanted.name):
            what = "1 to 100 letters, digits, and . _ : / @ -, a letter or digit first"
            violations.blame("name", f"must have {what}; got {wanted.name[:80]!r}")
        elif len({*self._names, *self._loading, wanted.name}) > MOST_NAMES:
            what = f"{MOST_NAMES} names were used since the server started: take one of them, or restart it"
            violations.blame("name", what)
        try:
            await asyncio.to_thread(find)
        except EngineStartFailed as error:
            violations.blame("path", str(error))
        violations.refuse()
        return bases[wanted.base]

    async def _open(self, wanted: WeightsRequest, base: Model, find: Callable[[], Path]) -> None:
        """Have a model with weights, which is found once an engine has loaded them."""
        # Not in the context of the call: the model outlives it, and what it logs is none of its doing.
        context = Context()
        model = context.run(self._make, wanted, base, find)
        instance = await model.open()
        if self._requests.draining:
            await instance.close()
            raise Draining("the server is shutting down")
        model.begin(instance)
        run = self._task(model.run(), context)
        self._names.add(wanted.name)
        self._loaded[wanted.name] = _Loaded(wanted, model, run)
        self._routes.add(model)
        self._components.add(model)
        logger.info("the weights %r were loaded from %s, for %s", wanted.name, wanted.path, base)

    async def unload(self, name: str) -> int:
        """Have no further request find weights, and unload them when those that run or wait are done.

        Cancelling this does not bring them back.

        Returns:
            How many requests were ended because they took too long to finish.

        Raises:
            WeightsNotFound: no weights of that name were loaded while the server runs.
            CannotUnload: the configuration has a model of that name, or it is being reloaded.
        """
        if not (loaded := self._loaded.get(name)):
            if name in self._routes:
                raise CannotUnload(
                    f"{name!r} stands in the configuration: take it out, and restart the server"
                )
            raise WeightsNotFound(name[:80], list(self._loaded))
        if loaded.model.reload:
            raise CannotUnload(f"{loaded.model} is being reloaded: wait until that has ended")
        del self._loaded[name]
        self._routes.remove(loaded.model)
        self._components.remove(loaded.model)
        return await asyncio.shield(self._task(self._end(loaded)))

    async def _end(self, loaded: _Loaded) -> int:
        model, name = loaded.model, loaded.wanted.name
        await _idle(model, self._drain_timeout_seconds)
        if ended := model.active:
            model.admission.refuse_all(
                lambda: Draining(f"{model} was unloaded, and there was no time to wait")
            )
            if model.instance:
                await drain(model, model.instance, self._requests, 0, "unloaded")
        model.retire("it was unloaded")
        await _cancelled(loaded.run)
        logger.info("the weights %r were unloaded", name)
        return ended

    def _task(self, work: Coroutine[Any, Any, T], context: Context | None = None) -> "asyncio.Task[T]":
        task = asyncio.create_task(work, context=context)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)
        return task


async def _idle(model: Model, within: float) -> None:
    """Wait until no request runs or waits in a model, or the time is up."""
    with suppress(TimeoutError):
        async with asyncio.timeout(within):
            while model.active:  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(LOOK_SECONDS)


async def _cancelled(task: "asyncio.Task[Any]") -> None:
    task.cancel()
    await asyncio.wait([task])
