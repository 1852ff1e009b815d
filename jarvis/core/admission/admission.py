"""Lets requests into one model."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from jarvis.core.admission.estimate import Estimate, Quick
from jarvis.core.admission.fair import FairQueue
from jarvis.core.admission.scope import Bounds, Scope, Scopes
from jarvis.core.admission.ticket import Ticket
from jarvis_ports.errors import DeadlineTooShort, JarvisError, Overloaded

LEAST_RETRY, MOST_RETRY = 0.1, 60.0
"""Bounds of the seconds after which a refused caller is told to come back."""
UNKNOWN = 1.0
"""How many seconds a request is thought to take before any has ended."""


class Admission:
    """Lets requests into a model, as many at a time as it works on; the others wait in a fair order.

    A request is refused at once if there are as many as may wait, or if its deadline will have passed before
    it can have a first token. Where one caller sends more than its share, others do not pay for it: the last
    of those that wait is refused in place of one that would go before it.

    Args:
        name: what the model is called in errors.
        bounds: bounds on this model.
        scopes: those that all models share.
    """

    def __init__(self, name: str, bounds: Bounds = Bounds(), scopes: Scopes | None = None) -> None:
        self._scopes = scopes or Scopes()
        self._model = Scope(name, bounds)
        self._queue = FairQueue(self._scopes.weight)
        self._slots: int | None = None
        self._taken = 0
        self._queued = 0
        self._service = Estimate()
        self._first_output = Quick()

    @asynccontextmanager
    async def slot(self, ticket: Ticket, slots: int | None) -> AsyncIterator[None]:
        """Wait until a request may go to the model, and keep its place there while the block runs.

        Args:
            ticket: the request.
            slots: how many answers the model works on at a time; None if it does not matter to it.

        Raises:
            Overloaded: too many run or wait, or others have a better claim to its place.
            DeadlineTooShort: its deadline will pass before it can have an answer.
            JarvisError: see `refuse_all`.
        """
        self._slots = slots
        waits = self._queue.first() is not None or not self._has_room_for(ticket)
        if self._taken:  # an idle model is tried, so that what was measured long ago refuses nobody for ever
            self._check_deadline(ticket)
        self._enter(ticket, waits=waits)
        try:
            if waits:
                await self._wait(ticket)
            else:
                self._start(ticket)
            try:
                yield
            finally:
                self._end(ticket)
        finally:
            self._leave(ticket)

    @property
    def wanted(self) -> int:
        """The number of slots that are taken or waited for."""
        return self._taken + self._queued

    @property
    def queued(self) -> int:
        """The number of slots that are waited for."""
        return self._queued

    def began(self, ticket: Ticket) -> None:
        """Take note that a request has its first output."""
        assert ticket.started is not None  # noqa: S101 - it was let in
        self._first_output.measured(time.monotonic() - ticket.started)

    def refuse_all(self, error: Callable[[], JarvisError]) -> None:
        """Refuse all that wait, each with an error of its own, because the model is gone."""
        for ticket in self._queue.all():
            self._refuse(ticket, error())

    def expected_wait(self, ahead: int) -> float:
        """Return how many seconds it takes until those ahead and one more have been let in."""
        if not self._slots or self._service.value is None:
            return 0.0
        free = self._slots - self._taken
        return max(0, ahead + 1 - free) * self._service.value / self._slots

    def _has_room_for(self, ticket: Ticket) -> bool:
        # A request for more answers than there are slots goes alone.
        return self._slots is None or not self._taken or self._taken + ticket.sequences <= self._slots

    def _enter(self, ticket: Ticket, *, waits: bool) -> None:
        caller = ticket.arrival.caller
        scopes = self._of(ticket)
        own = scopes[0]
        instead: list[tuple[Ticket, Overloaded]] = []
        while found := next(((one, why) for one in scopes if (why := one.lack(ticket, waits=waits))), None):
            full, lack = found
            last = None if full is own else self._queue.last_behind(caller, self._service.value or UNKNOWN)
            if last is None:
                for one, _ in reversed(instead):  # they would not be enough
                    self._count(one)
                    self._queue_up(one)
                self._scopes.forget(caller)
                raise self._overloaded(lack, full)
            instead.append((last, self._overloaded(f"{lack}; callers that have had less go first", full)))
            self._take_out(last)
            self._leave(last)
        for one, error in instead:
            one.turn.set_exception(error)
        self._count(ticket)

    def _count(self, ticket: Ticket) -> None:
        ticket.left = False
        for scope in self._of(ticket):
            scope.requests += 1

    def _leave(self, ticket: Ticket) -> None:
        if ticket.left:
            return
        ticket.left = True
        for scope in self._of(ticket):
            scope.requests -= 1
        self._scopes.forget(ticket.arrival.caller)

    def _of(self, ticket: Ticket) -> tuple[Scope, ...]:
        return self._scopes.of(ticket.arrival.caller), self._model, self._scopes.total

    def _queue_up(self, ticket: Ticket) -> None:
        self._queue.push(ticket)
        self._count_queued(ticket, 1)

    async def _wait(self, ticket: Ticket) -> None:
        self._queue_up(ticket)
        try:
            await asyncio.shield(ticket.turn)
        except asyncio.CancelledError:
            if not ticket.turn.done():
                self._take_out(ticket)
                self._let_in()  # it may have waited for more slots than the next one needs
            elif ticket.turn.exception() is None:  # it was let in at the same moment
                self._end(ticket)
            raise

    def _check_deadline(self, ticket: Ticket) -> None:
        if ticket.arrival.deadline is None:
            return
        wait = self.expected_wait(self._queue.ahead(ticket.arrival.caller))
        needed = wait + self._first_output.value
        remaining = ticket.arrival.deadline - time.monotonic()
        if remaining < needed:
            msg = f"an answer is expected in {needed:.3g} s, and the deadline is in {remaining:.3g} s"
            error = DeadlineTooShort(msg)
            error.retry_after = _bounded(needed - remaining)
            raise error

    def _start(self, ticket: Ticket) -> None:
        ticket.started = time.monotonic()
        self._taken += ticket.sequences
        ticket.charged = self._service.value or 0.0
        self._queue.started(ticket.arrival.caller, ticket.sequences * ticket.charged)

    def _end(self, ticket: Ticket) -> None:
        assert ticket.started is not None  # noqa: S101 - it was let in
        seconds = time.monotonic() - ticket.started
        self._taken -= ticket.sequences
        self._queue.ended(ticket.arrival.caller, ticket.sequences * (seconds - ticket.charged))
        self._service.measured(seconds)
        self._let_in()

    def _let_in(self) -> None:
        """Let in those that are next, as far as there is room."""
        while (following := self._queue.first()) and self._has_room_for(following):
            self._take_out(following)
            self._start(following)
            following.turn.set_result(None)

    def _refuse(self, ticket: Ticket, error: JarvisError) -> None:
        self._take_out(ticket)
        self._leave(ticket)
        ticket.turn.set_exception(error)

    def _take_out(self, ticket: Ticket) -> None:
        self._queue.remove(ticket)
        self._count_queued(ticket, -1)

    def _count_queued(self, ticket: Ticket, sign: int) -> None:
        self._queued += sign * ticket.sequences
        for scope in self._of(ticket):
            scope.queued_tokens += sign * ticket.tokens

    def _overloaded(self, why: str, full: Scope) -> Overloaded:
        error = Overloaded(why)
        one_ends = (self._service.value or UNKNOWN) / max(1, full.requests)
        error.retry_after = _bounded(max(self.expected_wait(len(self._queue)), one_ends))
        return error


def _bounded(seconds: float) -> float:
    return min(max(seconds, LEAST_RETRY), MOST_RETRY)
