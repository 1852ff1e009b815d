"""The components behind the server's ports: the life of each adapter."""

import asyncio
import gc
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from contextvars import copy_context
from enum import StrEnum
from typing import Any, Generic

from jarvis.core.lifecycle.instance import Instance, P, StillOpen
from jarvis.core.lifecycle.restarts import Restarts
from jarvis_plugins.registry import PortName
from jarvis_ports.errors import EngineDead, ModelLoading, Unavailable
from jarvis_ports.health import Health
from jarvis_ports.values import State

logger = logging.getLogger(__name__)

HEALTH_INTERVAL = 1.0
"""Seconds between two checks of an adapter's health."""

OPEN_SECONDS, OPEN_TIMES = 600.0, 3.0
"""An adapter that has opened before may take so long to open again, or so many times as long as before."""


class WhenUnwell(StrEnum):
    """What to do when a running component says that it is unwell."""

    EXIT = "exit"
    """The server exits."""
    RESTART = "restart"
    """The component is closed and opened again; if that does not help for long, the server exits."""
    RETRY = "retry"
    """As RESTART, but the server goes on without it, however often it fails, and if it never opens."""
    WAIT = "wait"
    """The component stays open, and is watched until it is well again."""


class Component(Generic[P]):
    """Opens an adapter, watches its health, and acts when it is unwell.

    Args:
        port_name: the port that the adapter serves.
        name: the component's name among those of its port.
        adapter: the adapter's name.
        open_port: opens the adapter; the context that it returns closes it.
        when_unwell: what to do when the adapter is unwell.
        after: the component that must have opened, or failed to open, before this one is opened.

    Attributes:
        instance: the opened adapter that new requests go to.
        replaced: the one that a reload has replaced, until the requests that it has are done.
        reload: replaces the instance; see `jarvis.core.lifecycle.reload`.
    """

    def __init__(  # noqa: PLR0913 - all that it is made of
        self,
        port_name: PortName,
        name: str,
        adapter: str,
        open_port: Callable[[], AbstractAsyncContextManager[P]],
        when_unwell: WhenUnwell = WhenUnwell.EXIT,
        *,
        after: "Component[Any] | None" = None,
    ) -> None:
        self.port_name = port_name
        self.name = name
        self.adapter = adapter
        self.state = State.LOADING
        self.message = ""
        self._restarts = Restarts(unending=when_unwell is WhenUnwell.RETRY)
        self._open_port = open_port
        self._when_unwell = when_unwell
        self._after = after
        self._tried = asyncio.Event()
        self.changed = asyncio.Event()
        self.instance: Instance[P] | None = None
        self.replaced: Instance[P] | None = None
        self.reload: asyncio.Task[int] | None = None
        self._uses: list[tuple[object, P]] = []
        self._context = copy_context()
        self._port: P | None = None
        self._look_now = asyncio.Event()
        self._opens_at = time.monotonic()
        self._opening_seconds: float | None = None

    def __str__(self) -> str:
        return f"{self.port_name} {self.name!r}"

    @property
    def restarts(self) -> int:
        """How often the adapter was opened again."""
        return self._restarts.total

    @property
    def port(self) -> P:
        """The opened adapter.

        Raises:
            ModelLoading: it is not open yet.
            EngineDead: it died.
        """
        if self._port is None:
            raise self.closed()
        return self._port

    def closed(self) -> Unavailable:
        """Return the error of a request that needs the adapter while it is not open."""
        error: Unavailable = (
            ModelLoading(f"{self} is still loading")
            if self.state is State.LOADING
            else EngineDead(f"{self} is down: {self.message}")
        )
        self.set_retry_after(error)
        return error

    def set_retry_after(self, error: Unavailable) -> None:
        """Set on an error the seconds until the adapter should be open again.

        Nothing is set if the adapter was never open, or is not restarted.
        """
        if self._opening_seconds is None or self._when_unwell in {WhenUnwell.EXIT, WhenUnwell.WAIT}:
            return
        now = time.monotonic()
        begins = now + self._restarts.delay if self.state is State.READY else self._opens_at
        error.retry_after = max(1.0, begins + self._opening_seconds - now)

    @contextmanager
    def use(self) -> Iterator[P]:
        """Yield the opened adapter; a reload waits until the block has ended before it closes it.

        Raises what `port` raises. May be called in any thread.
        """
        use = (_current(), self.port)
        self._uses.append(use)
        try:
            yield use[1]
        finally:
            self._uses.remove(use)

    def users(self, instance: Instance[P]) -> list[object]:
        """Return the tasks, or the ids of the threads, that use an instance."""
        return [user for user, port in list(self._uses) if port is instance.port]

    @property
    def uses_replaced(self) -> bool:
        """Whether the current task uses an instance that a reload has replaced."""
        return self.replaced is not None and _current() in self.users(self.replaced)

    @property
    def loaded(self) -> P | None:
        """The opened adapter, if it is open."""
        return self._port

    def suspect(self) -> None:
        """Check the adapter's health now, because a request has seen it fail."""
        self._look_now.set()

    async def run(self) -> None:
        """Keep the adapter open until cancelled.

        Raises:
            EngineDead: the adapter died, or does so again and again, and the server must exit.
            Exception: what the adapter raised before it was ever open, or if it is never restarted.
        """
        self._context = copy_context()
        if self._after:
            await self._after._tried.wait()
        try:
            await self._keep_open()
        finally:
            if self.reload:
                self.reload.cancel()
                await asyncio.wait([self.reload])

    async def _keep_open(self) -> None:
        while True:
            self._opens_at = time.monotonic()
            try:
                async with self._opened():
                    with _frozen():
                        message = await self._until_unwell()
                    # Plus the time that closing takes.
                    self._opens_at = time.monotonic() + self._restarts.delay
                    self._become(State.FAILED, message)
            except Exception as error:
                died = f"{self.message}; then, as it closed: " if self.state is State.FAILED else ""
                self._become(State.FAILED, f"{died}{error}")
                # Only the operator can repair what has never worked, and what is still open is in the way.
                hopeless = self._opening_seconds is None or isinstance(error, StillOpen)
                again = {WhenUnwell.RETRY} if hopeless else {WhenUnwell.RETRY, WhenUnwell.RESTART}
                if self._when_unwell not in again:
                    raise
            logger.error("%s: %s", self, self.message)
            if self._when_unwell is WhenUnwell.EXIT:
                msg = f"{self} died: {self.message}"
                raise EngineDead(msg)
            if self._restarts.spent:
                msg = f"{self} does not stay up; after {self.restarts} restarts: {self.message}"
                raise EngineDead(msg)
            self._opens_at = time.monotonic() + self._restarts.delay
            await asyncio.sleep(self._restarts.delay)
            self._restarts.began()
            self._become(State.LOADING, f"restart {self.restarts}, after: {self.message}")

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        """Have an instance while the block runs; the one that is closed at its end may be a reload's."""
        self.begin(await self.open())
        began = time.monotonic()
        try:
            yield
        finally:
            self._restarts.closed(time.monotonic() - began)
            instance, self.instance = self.instance, None
            if instance:
                await instance.close()

    async def open(self) -> Instance[P]:
        """Open an instance, and return it; raises what the adapter raises.

        Raises:
            TimeoutError: it takes far longer than before.
        """
        began, limit = time.monotonic(), None
        if self._opening_seconds is not None:
            limit = max(OPEN_SECONDS, OPEN_TIMES * self._opening_seconds)
        try:
            async with asyncio.timeout(limit) as within:
                instance = await Instance.open(self._open_port, self._context.copy())
        except TimeoutError as error:
            if not within.expired():  # it is the adapter's own
                raise
            raise TimeoutError(f"it has not opened for {limit:g} s") from error
        self._opening_seconds = time.monotonic() - began
        return instance

    def begin(self, instance: Instance[P]) -> None:
        """Have new requests go to an instance."""
        self.instance = instance
        logger.info("%s is ready (%s)", self, self.adapter)
        self._become(State.READY, "", instance.port)

    async def _until_unwell(self) -> str:
        while True:
            assert self.instance  # noqa: S101 - `_opened`
            port = self.instance.port
            health = await self.instance.health()
            if self.instance.port is port:  # no reload has replaced it while it was asked
                another_opens = self.reload is not None and not self.replaced
                if not (health.ok or self._when_unwell is WhenUnwell.WAIT or another_opens):
                    return health.message
                self._heed(health, port)
            self._look_now.clear()
            # Not `wait_for`: in Python 3.11 it loses a cancellation that comes together with the event.
            with suppress(TimeoutError):
                async with asyncio.timeout(HEALTH_INTERVAL):
                    await self._look_now.wait()

    def _heed(self, health: Health, port: P) -> None:
        """Update the state from the health of an adapter that stays open."""
        state = State.READY if health.ok else State.FAILED
        if state is not self.state:
            if health.ok:
                logger.info("%s is well again", self)
            else:
                logger.warning("%s: %s", self, health.message)
            stays = health.ok or self._when_unwell is WhenUnwell.WAIT
            self._become(state, health.message, port if stays else None)

    def _become(self, state: State, message: str, port: P | None = None) -> None:
        self.state, self.message, self._port = state, message, port
        self._tried.set()
        self.changed.set()


def _current() -> object:
    """Return the current task, or the id of a thread that has none."""
    with suppress(RuntimeError):
        return asyncio.current_task()
    return threading.get_ident()


@contextmanager
def _frozen() -> Iterator[None]:
    """Keep the objects that are alive out of garbage collection while the block runs.

    With libraries such as torch loaded, a full collection looks at 700,000 objects, and stops every thread of
    the process for half a second. After the block they are collected as usual: an adapter that is closed may
    have to release GPU memory that reference cycles hold.
    """
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
