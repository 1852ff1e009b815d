"""Who uses an adapter."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Generic, TypeVar

T = TypeVar("T")


class Uses(Generic[T]):
    """The uses of a component's adapters, by the task or the thread that each is in."""

    def __init__(self) -> None:
        self._now: list[tuple[object, T]] = []
        self._last = time.monotonic()

    @contextmanager
    def use(self, port: T) -> Iterator[T]:
        """Count a use while the block runs."""
        use = (current(), port)
        self._now.append(use)
        try:
            yield port
        finally:
            self._now.remove(use)
            self.touch()

    def of(self, port: T) -> list[object]:
        """Return the tasks, or the ids of the threads, that use an adapter."""
        return [user for user, used in list(self._now) if used is port]

    def touch(self) -> None:
        """Take note that the adapter is wanted now."""
        self._last = time.monotonic()

    @property
    def idle_seconds(self) -> float:
        """The seconds since anybody used or wanted an adapter; 0 while somebody does."""
        return 0.0 if self._now else time.monotonic() - self._last


def current() -> object:
    """Return the current task, or the id of a thread that has none."""
    with suppress(RuntimeError):
        return asyncio.current_task()
    return threading.get_ident()
