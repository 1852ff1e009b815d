"""The order of those that wait."""

from bisect import insort
from collections import Counter
from collections.abc import Callable

from jarvis.core.admission.ticket import Ticket


class FairQueue:
    """Tickets that wait. Whoever has had the least time in the model, for its weight, is next.

    This is fair queueing with a virtual clock (Demers, Keshav, Shenker, "Analysis and Simulation of a Fair
    Queueing Algorithm", 1989), which counts what requests took, and not how many there were. A caller that
    comes back begins where the others are: it has no claim to what it left unused.

    Args:
        weight: returns the weight of a caller.
    """

    def __init__(self, weight: Callable[[str], float]) -> None:
        self._weight = weight
        self._waiting: dict[str, list[Ticket]] = {}
        self._running: Counter[str] = Counter()
        self._had: dict[str, float] = {}
        self._clock = 0.0

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def push(self, ticket: Ticket) -> None:
        """Add a ticket."""
        caller = ticket.arrival.caller
        self._had[caller] = self._begins(caller)
        insort(self._waiting.setdefault(caller, []), ticket, key=lambda one: one.rank)

    def first(self) -> Ticket | None:
        """Return the ticket that is next, which stays."""
        if not self._waiting:
            return None
        caller = min(self._waiting, key=lambda one: self._had[one])
        return self._waiting[caller][0]

    def remove(self, ticket: Ticket) -> None:
        """Take a ticket out."""
        caller = ticket.arrival.caller
        self._waiting[caller].remove(ticket)
        if not self._waiting[caller]:
            del self._waiting[caller]

    def started(self, caller: str, seconds: float) -> None:
        """Charge a caller for a request that begins: for the seconds of slots that it should take."""
        self._running[caller] += 1
        self._charge(caller, seconds)

    def ended(self, caller: str, seconds: float) -> None:
        """Charge a caller for a request that has ended: for the seconds that it took beyond those."""
        self._charge(caller, seconds)
        self._running[caller] -= 1
        if not self._running[caller]:
            del self._running[caller]

    def ahead(self, caller: str) -> int:
        """Return how many of those that wait would go before one more of this caller."""
        own = len(self._waiting.get(caller, ())) + 1
        share = own / self._weight(caller)
        others = (
            min(len(waiting), int(share * self._weight(other)))
            for other, waiting in self._waiting.items()
            if other != caller
        )
        return own - 1 + sum(others)

    def last_behind(self, caller: str, seconds: float) -> Ticket | None:
        """Return the ticket that would be last, if one more of this caller would go before it.

        Args:
            caller: whose request it is.
            seconds: how long a request takes.
        """

        def turn(one: str, more: int = 0) -> float:
            number = len(self._waiting.get(one, ())) + more
            return self._begins(one) + number * seconds / self._weight(one)

        last = max(self._waiting, key=turn, default=caller)
        return self._waiting[last][-1] if turn(last) > turn(caller, 1) and last != caller else None

    def all(self) -> list[Ticket]:
        """Return all tickets."""
        return [ticket for waiting in self._waiting.values() for ticket in waiting]

    def _begins(self, caller: str) -> float:
        return max(self._had.get(caller, 0.0), self._clock)

    def _charge(self, caller: str, seconds: float) -> None:
        self._had[caller] = self._had.get(caller, self._clock) + seconds / self._weight(caller)
        active = self._waiting.keys() | self._running.keys()
        self._clock = max(self._clock, min(self._had.get(one, self._clock) for one in active))
        # Those behind the clock begin at it in any case.
        self._had = {one: had for one, had in self._had.items() if had > self._clock or one in active}
