"""Replaces what is behind a port by another instance of it, while requests go on."""

import asyncio
import gc
import logging
from collections.abc import Callable, Mapping
from typing import Any

from jarvis.core.lifecycle.component import Component
from jarvis.core.lifecycle.components import Components
from jarvis.core.lifecycle.draining import drain
from jarvis.core.lifecycle.instance import Instance
from jarvis.core.lifecycle.requests import Requests
from jarvis_plugins.registry import PortName
from jarvis_ports.embedding import Embedder
from jarvis_ports.errors import (
    CannotReload,
    ComponentNotFound,
    Draining,
    EngineDead,
    EngineStartFailed,
    JarvisError,
)

logger = logging.getLogger(__name__)

_ONLY = "only models, the embedder, the reranker and caches are reloaded"
FIXED: Mapping[PortName, str] = {
    PortName.STORE: "its folder and the text index can be open only once",
    PortName.ESTIMATOR: _ONLY,
    PortName.TELEMETRY: _ONLY,
}
"""The ports whose components are not reloaded, and why."""


class Reloads:
    """The use case of reloading a component: no request fails, and the old instance stays if anything does.

    Args:
        components: everything that the server opens.
        requests: the requests that are running.
        check_room: raises `CannotReload` if a model, given its name, does not fit into memory twice.
        drain_timeout_seconds: how long requests may go on with the instance that is replaced.
    """

    def __init__(
        self,
        components: Components,
        requests: Requests,
        check_room: Callable[[str], None],
        drain_timeout_seconds: float,
    ) -> None:
        self._components = components
        self._requests = requests
        self._check_room = check_room
        self._drain_timeout_seconds = drain_timeout_seconds

    async def reload(self, port: str, name: str) -> int:
        """Open a new instance of a component, have it take over, and close the old one.

        If this is cancelled before the new instance has taken over, that is closed, and the old one stays.

        Returns:
            How many requests were ended because they took too long to finish with the old instance.

        Raises:
            ComponentNotFound: no such component is configured.
            CannotReload: components of this port are not reloaded, or it does not fit into memory twice, or
                the new instance would not do for the old one.
            ModelLoading, ModelAsleep, EngineDead: the component is not open.
            Draining: the server is shutting down.
            JarvisError: the new instance did not open.
        """
        component = self._find(port, name)
        if self._requests.draining:
            raise Draining("the server is shutting down")
        if component.reload:
            raise CannotReload(f"{component} is being reloaded already")
        _ = component.port  # raises, and has an idle one load
        if not (old := component.instance):
            raise component.closed()
        if component.port_name is PortName.LLM:
            self._check_room(name)
        component.reload = asyncio.create_task(self._replace(component, old))
        component.reload.add_done_callback(lambda _: _done(component))
        return await _followed(component, component.reload)

    def _find(self, port: str, name: str) -> Component[Any]:
        found = [one for one in self._components if (one.port_name, one.name) == (port, name)]
        if not found:
            raise ComponentNotFound(port, name, [f"{one.port_name} {one.name}" for one in self._components])
        component = found[0]
        why = FIXED.get(component.port_name, "it is the name of several" if len(found) > 1 else None)
        if why:
            raise CannotReload(f"{component} cannot be reloaded: {why}; restart the server instead")
        return component

    async def _replace(self, component: Component[Any], old: Instance[Any]) -> int:
        logger.info("%s: a new instance is opened, to replace the one that runs", component)
        try:
            new = await component.open()
            try:
                await _check(component, old, new)
            except BaseException:
                await new.close()
                raise
        except JarvisError as error:
            logger.warning("%s is not reloaded: %s", component, error)
            raise
        except Exception as error:
            logger.exception("%s is not reloaded", component)
            msg = f"the new instance of {component} did not open: {type(error).__name__}: {error}"
            raise EngineStartFailed(msg) from error
        component.replaced = old
        component.begin(new)
        try:
            return await drain(component, old, self._requests, self._drain_timeout_seconds, "reloaded")
        finally:
            gc.unfreeze()  # see `Component`: it may hold GPU memory in reference cycles
            try:
                await old.close()
            except Exception:
                logger.exception("%s was reloaded, but the old instance did not close", component)
            gc.freeze()


async def _followed(component: Component[Any], task: "asyncio.Task[int]") -> int:
    """Wait for a reload; cancel it with the caller, unless the new instance has taken over."""
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        own = asyncio.current_task()
        if own and not own.cancelling():
            raise Draining(f"{component} was closed while it was reloaded") from None
        if not component.replaced:
            task.cancel()
            await asyncio.wait([task])
            logger.warning("%s is not reloaded: the caller left", component)
        raise


async def _check(component: Component[Any], old: Instance[Any], new: Instance[Any]) -> None:
    """Raise the reason why the new instance must not take over."""
    health = await new.health()
    if not health.ok:
        raise EngineStartFailed(f"the new instance of {component} is not well: {health.message}")
    if component.port_name is PortName.EMBEDDER:
        _check_vectors(component, old.port, new.port)
    if component.instance is not old:
        raise EngineDead(f"{component} went down while the new instance was opened")


def _check_vectors(component: Component[Any], old: Embedder, new: Embedder) -> None:
    was, is_ = old.info(), new.info()
    differences = [
        f"its {what} is {has!r}, and was {had!r}"
        for what, has, had in (
            ("dimension", is_.dimension, was.dimension),
            ("identity", is_.identity, was.identity),
        )
        if has != had
    ]
    if differences:
        raise CannotReload(
            f"the new instance of {component} makes other vectors: {'; '.join(differences)}; what is stored "
            "was made with the old one: restart the server, and rebuild the collections"
        )


def _done(component: Component[Any]) -> None:
    component.reload = component.replaced = None
    component.suspect()  # an old instance that died meanwhile is not waited for any more
