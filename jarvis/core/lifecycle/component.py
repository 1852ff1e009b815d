"""The components behind the server's ports: the life of each adapter."""

import asyncio
import gc
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from contextvars import copy_context
from typing import Any

from jarvis.core.lifecycle.handle import Handle, WhenUnwell
from jarvis.core.lifecycle.instance import Instance, P, StillOpen
from jarvis.core.lifecycle.sleep import Sleep
from jarvis_plugins.registry import PortName
from jarvis_ports.errors import EngineDead
from jarvis_ports.health import Health
from jarvis_ports.llm import Sleeps
from jarvis_ports.values import State

__all__ = ["Component", "WhenUnwell"]
logger = logging.getLogger(__name__)

HEALTH_INTERVAL = 1.0
"""Seconds between two checks of an adapter's health."""

OPEN_SECONDS, OPEN_TIMES = 600.0, 3.0
"""An adapter that has opened before may take so long to open again, or so many times as long as before."""


class Component(Handle[P]):
    """Opens an adapter, watches its health, and acts when it is unwell.

    Args:
        port_name: the port that the adapter serves.
        name: the component's name among those of its port.
        adapter: the adapter's name.
        open_port: opens the adapter; the context that it returns closes it.
        when_unwell: what to do when the adapter is unwell.
        after: the component that must have opened, or failed to open, before this one is opened.
        idle_seconds: after so long without a use it is closed, until somebody wants it; None means never.

    Attributes:
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
        idle_seconds: float | None = None,
    ) -> None:
        super().__init__(port_name, name, adapter, when_unwell, after)
        self.reload: asyncio.Task[int] | None = None
        self._open_port = open_port
        self._idle_seconds = idle_seconds
        self._context = copy_context()
        self._look_now = asyncio.Event()

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
            if self.sleep:
                self.sleep.fallen.set()
                await self.sleep.over.wait()
                self._become(State.LOADING, "it wakes up")
            self._opens_at = time.monotonic()
            try:
                async with self._opened():
                    with _frozen():
                        message = await self._until_unwell()
                    # Plus the time that closing takes.
                    self._opens_at = time.monotonic() + self._restarts.delay
                    if message is not None:
                        self._become(State.FAILED, message)
            except Exception as error:
                if (task := asyncio.current_task()) and task.cancelling():
                    raise  # that it does not close must not hide that it is to end
                self._failed(error)
            if self.sleep:
                continue
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

    def _failed(self, error: Exception) -> None:
        """Take note of what the adapter raised as it opened or closed, or raise it if that is the end."""
        if self.sleep and not isinstance(error, StillOpen):
            self._sleep_on(self.sleep, error)
            return
        died = f"{self.message}; then, as it closed: " if self.state is State.FAILED else ""
        self._become(State.FAILED, f"{died}{error}")
        # Only the operator can repair what has never worked, and what is still open is in the way.
        hopeless = self._opening_seconds is None or isinstance(error, StillOpen)
        again = {WhenUnwell.RETRY} if hopeless else {WhenUnwell.RETRY, WhenUnwell.RESTART}
        if self._when_unwell not in again:
            raise error

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        """Have an instance while the block runs; the one that is closed at its end may be a reload's."""
        if self.instance is None:  # or it was begun before the component ran
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
        self._uses.touch()
        logger.info("%s is ready (%s)", self, self.adapter)
        self._become(State.READY, "", instance.port)

    def fall_asleep(self, sleep: Sleep) -> None:
        """Refuse requests from now on; when `sleep.alone` is set, the adapter releases its memory."""
        logger.info("%s %s", self, sleep.why)
        self.sleep = sleep
        self._become(State.SLEEPING, sleep.why)

    def _sleep_on(self, sleep: Sleep, error: Exception) -> None:
        """Stay asleep: the adapter did not open again, or did not close well."""
        if not sleep.over.is_set():
            logger.warning("%s was closed for its sleep, and raised %r", self, error)
            return
        then = "the next request tries again" if sleep.light else "wake it again"
        why = f"did not wake up: {str(error) or type(error).__name__}; {then}"
        logger.error("%s %s", self, why)
        self.sleep = Sleep(why, light=sleep.light, failed=True)
        self.sleep.alone.set()
        self._become(State.SLEEPING, why)

    def stay_awake(self) -> None:
        """Serve again after all, if the adapter has not released its memory yet."""
        if self.state is State.SLEEPING and self.instance:
            self._become(State.READY, "", self.instance.port)

    async def _until_unwell(self) -> str | None:
        """Watch the adapter; return why it is unwell, or None when it is to be closed for a sleep."""
        while True:
            assert self.instance  # noqa: S101 - `_opened`
            port: Any = self.instance.port
            health = await self.instance.health()
            if self.instance.port is port:  # no reload has replaced it while it was asked
                another_opens = self.reload is not None and not self.replaced
                if not (health.ok or self._when_unwell is WhenUnwell.WAIT or another_opens):
                    return health.message
                self._heed(health, port)
            if self._idle_for_long and not self.sleep and not self.reload:
                why = f"was not used for {self._idle_seconds:g} s; the next request loads it"
                sleep = Sleep(why, light=True)
                sleep.alone.set()
                self.fall_asleep(sleep)
                return None
            if self.sleep and self.sleep.alone.is_set() and not await self._sleep_in_place(port):
                return None
            self._look_now.clear()
            await _wait(self._look_now)

    @property
    def _idle_for_long(self) -> bool:
        return self._idle_seconds is not None and self._uses.idle_seconds >= self._idle_seconds

    async def _sleep_in_place(self, port: object) -> bool:
        """Have an adapter release its memory, and take it back when the sleep is over.

        Returns:
            Whether it is awake again; False if it has to be closed, and opened anew when the sleep is over,
            as it cannot do that, or has died as it slept.
        """
        assert self.sleep and self.instance  # noqa: S101, PT018 - `_until_unwell`
        if not (isinstance(port, Sleeps) and port.can_sleep):
            return False
        await port.sleep()
        self.sleep.fallen.set()
        while not self.sleep.over.is_set():
            await _wait(self.sleep.over)
            if not (health := await self.instance.health()).ok:
                logger.warning("%s died as it slept: %s", self, health.message)
                return False
        self._become(State.LOADING, "it wakes up")
        await port.wake()
        self.begin(self.instance)
        return True

    def _heed(self, health: Health, port: P) -> None:
        """Update the state from the health of an adapter that stays open."""
        state = State.READY if health.ok else State.FAILED
        if state is not self.state and not self.sleep:
            if health.ok:
                logger.info("%s is well again", self)
            else:
                logger.warning("%s: %s", self, health.message)
            stays = health.ok or self._when_unwell is WhenUnwell.WAIT
            self._become(state, health.message, port if stays else None)


async def _wait(event: asyncio.Event) -> None:
    """Wait for an event, but no longer than until the adapter's health is checked again."""
    # Not `wait_for`: in Python 3.11 it loses a cancellation that comes together with the event.
    with suppress(TimeoutError):
        async with asyncio.timeout(HEALTH_INTERVAL):
            await event.wait()


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
