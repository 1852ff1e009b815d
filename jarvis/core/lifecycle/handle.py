"""What a component is for those who use it: its state, and its adapter while that is open."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any, Generic

from jarvis.core.lifecycle.instance import Instance, P
from jarvis.core.lifecycle.restarts import Restarts
from jarvis.core.lifecycle.sleep import Sleep
from jarvis.core.lifecycle.uses import Uses, current
from jarvis_plugins.registry import PortName
from jarvis_ports.errors import EngineDead, ModelAsleep, ModelLoading, Unavailable
from jarvis_ports.values import State


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


class Handle(Generic[P]):
    """A component's state, which `Component` keeps up to date; see there for the arguments.

    Attributes:
        changed: set when the state changes.
        instance: the opened adapter that new requests go to.
        replaced: the one that a reload has replaced, until the requests that it has are done.
        sleep: what the component's sleep is about, from when it begins until the adapter is open again.
    """

    def __init__(
        self,
        port_name: PortName,
        name: str,
        adapter: str,
        when_unwell: WhenUnwell,
        after: "Handle[Any] | None",
    ) -> None:
        self.port_name = port_name
        self.name = name
        self.adapter = adapter
        self.state = State.LOADING
        self.message = ""
        self.changed = asyncio.Event()
        self.instance: Instance[P] | None = None
        self.replaced: Instance[P] | None = None
        self.sleep: Sleep | None = None
        self._when_unwell = when_unwell
        self._after = after
        self._restarts = Restarts(unending=when_unwell is WhenUnwell.RETRY)
        self._tried = asyncio.Event()
        self._uses: Uses[P] = Uses()
        self._port: P | None = None
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
            ModelLoading: it is not open yet, or not again.
            ModelAsleep: it was put to sleep.
            EngineDead: it died.
        """
        self._wanted()
        if self._port is None:
            raise self.closed()
        return self._port

    def _wanted(self) -> None:
        """Wake up, if the sleep is one that a request ends, or whatever this one is in."""
        self._uses.touch()
        if self.sleep and self.sleep.light:
            self.sleep.over.set()
        elif self._after:
            self._after._wanted()

    def closed(self) -> Unavailable:
        """Return the error of a request that needs the adapter while it is not open."""
        error: Unavailable
        if self.state is State.SLEEPING and self.sleep and not self.sleep.light:
            return ModelAsleep(f"{self} {self.sleep.why}")
        if self.sleep or self.state is State.LOADING:
            why = self.sleep.why if self.sleep and self.sleep.failed else "is still loading"
            error = ModelLoading(f"{self} {why}")
        else:
            error = EngineDead(f"{self} is down: {self.message}")
        self.set_retry_after(error)
        return error

    def set_retry_after(self, error: Unavailable) -> None:
        """Set on an error the seconds until the adapter should be open again.

        Nothing is set if the adapter was never open, or is not restarted.
        """
        stays_down = self._when_unwell in {WhenUnwell.EXIT, WhenUnwell.WAIT} and not self.sleep
        if self._opening_seconds is None or stays_down:
            return
        now = time.monotonic()
        begins = self._opens_at
        if self.state is State.READY:
            begins = now + self._restarts.delay
        elif self.state is State.SLEEPING:
            begins = now
        error.retry_after = max(1.0, begins + self._opening_seconds - now)

    @contextmanager
    def use(self) -> Iterator[P]:
        """Yield the opened adapter; a reload waits until the block has ended before it closes it.

        Raises what `port` raises. May be called in any thread.
        """
        with self._uses.use(self.port) as port:
            yield port

    def users(self, instance: Instance[P]) -> list[object]:
        """Return the tasks, or the ids of the threads, that use an instance."""
        return self._uses.of(instance.port)

    @property
    def uses_replaced(self) -> bool:
        """Whether the current task uses an instance that a reload has replaced."""
        return self.replaced is not None and current() in self.users(self.replaced)

    @property
    def serving(self) -> bool:
        """Whether a request is answered, now or once it has woken the component."""
        light = self.sleep is not None and self.sleep.light and not self.sleep.failed
        return (self.state is State.READY or light) and not self.asleep

    @property
    def asleep(self) -> bool:
        """Whether it was put to sleep, or what it is in was."""
        own = self.sleep is not None and not (self.sleep.light or self.sleep.failed)
        return own or (self._after is not None and self._after.asleep)

    @property
    def shown(self) -> tuple[State, str]:
        """The state and why it is so, as told: what is in a model that is not open has the model's."""
        if self._after and self._after.port_name is PortName.LLM and self.state is State.READY:
            state, message = self._after.shown
            if state is not State.READY:
                return state, f"{self._after} {message}"
        return self.state, self.message

    def holds(self, port: object) -> bool:
        """Return whether an adapter is open, if perhaps asleep or about to be replaced."""
        return any(one is not None and one.port is port for one in (self.instance, self.replaced))

    @property
    def loaded(self) -> P | None:
        """The opened adapter, if it is open."""
        return self._port

    def _become(self, state: State, message: str, port: P | None = None) -> None:
        self.state, self.message, self._port = state, message, port
        if state in {State.READY, State.FAILED}:
            self.sleep = None
        self._tried.set()
        self.changed.set()
