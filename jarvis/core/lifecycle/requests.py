"""The requests that run or wait: counted, and ended on demand."""

import asyncio
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from jarvis_ports.errors import Draining, JarvisError, RequestAborted, RequestNotFound

LEAVE_SECONDS = 5.0
"""Seconds that ended requests have to leave; an adapter that does not let go of one holds up nothing else."""


@dataclass(eq=False)
class Running:
    """A request, whose it is, the task that serves it, and why it was ended, if it was."""

    request_id: str
    owner: str
    task: "asyncio.Task[object]"
    error: JarvisError | None = None


class Requests:
    """Knows every request from its arrival to its end."""

    def __init__(self) -> None:
        self.draining = False
        self._closed = False
        self._running: set[Running] = set()
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def active(self) -> int:
        """The number of requests that run or wait."""
        return sum(bool(running.request_id) for running in self._running)

    @contextmanager
    def track(self, request_id: str, owner: str = "") -> Iterator[None]:
        """Track the current task while it serves a request.

        Args:
            request_id: the request's id; "" for a call that only reads what another request has made.
            owner: the name of its caller.

        Raises:
            Draining: no new request is accepted, or this one still ran when the time to finish was up.
            RequestAborted: in the block, when `abort` is called for it.
        """
        if self._closed:
            raise _draining()
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - requests are served by tasks
        running = Running(request_id, owner, task)
        self._running.add(running)
        self._idle.clear()
        try:
            yield
        except asyncio.CancelledError:
            if running.error is None:
                raise
            task.uncancel()
            raise running.error from None
        finally:
            self._running.discard(running)
            if not self._running:
                self._idle.set()

    def abort(self, request_id: str, owner: str | None = None) -> int:
        """End every request with this id, and return how many there were.

        Args:
            request_id: the requests' id.
            owner: whose requests; None for all.

        Raises:
            RequestNotFound: there was none.
        """
        aborted = RequestAborted(f"request {request_id} was aborted")
        count = self._end(
            lambda running: running.request_id == request_id != "" and owner in {None, running.owner}, aborted
        )
        if not count:
            msg = f"no running request has the id {request_id!r}"
            raise RequestNotFound(msg)
        return count

    def end(self, tasks: Collection[object], error: JarvisError) -> int:
        """End every request that one of these tasks serves with an error, and return how many there were."""
        return self._end(lambda running: running.task in tasks, error)

    async def close(self, within: float) -> int:
        """Accept no new request; end those that still run `within` seconds later, and return their number."""
        self._closed = True
        try:
            await asyncio.wait_for(self._idle.wait(), within)
        except TimeoutError:
            left = self._end(lambda _: True, _draining())
            with suppress(TimeoutError):
                await asyncio.wait_for(self._idle.wait(), LEAVE_SECONDS)
            return left
        return 0

    def _end(self, chosen: Callable[[Running], bool], error: JarvisError) -> int:
        found = [running for running in self._running if chosen(running)]
        for running in found:
            running.error = error
            running.task.cancel()
        return len(found)


def _draining() -> Draining:
    return Draining("the server is shutting down")
