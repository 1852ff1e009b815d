"""The order of those that wait."""

from bisect import insort
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
        self._had: dict[str, float] = {}
        self._clock = 0.0

    def __len__(self) -> int:
        return sum(map(len, self._waiting.values()))

    def push(self, ticket: Ticket) -> None:
        """Add a ticket."""
        caller = ticket.arrival.caller
        if caller not in self._waiting:
            self._waiting[caller] = []
            self._had[caller] = max(self._had.get(caller, 0.0), self._clock)
        insort(self._waiting[caller], ticket, key=lambda one: one.rank)

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

    def charge(self, caller: str, seconds: float) -> None:
        """Count what a caller has had, or is about to have, in seconds of slots."""
        if not self._waiting:  # nobody is kept waiting by what others have had
            self._had.clear()
            return
        self._had[caller] = self._had.get(caller, self._clock) + seconds / self._weight(caller)
        self._clock = max(self._clock, min(self._had[one] for one in self._waiting))

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

    def last_of_the_greediest(self, beside: str) -> Ticket | None:
        """Return the last ticket of the caller with the most that wait, for its weight.

        None is returned if one more of the caller `beside` would make that one the greediest.
        """

        def greed(caller: str, more: int = 0) -> float:
            return (len(self._waiting.get(caller, ())) + more) / self._weight(caller)

        greediest = max(self._waiting, key=greed, default=beside)
        if greediest == beside or greed(greediest) <= greed(beside, 1):
            return None
        return self._waiting[greediest][-1]

    def all(self) -> list[Ticket]:
        """Return all tickets."""
        return [ticket for waiting in self._waiting.values() for ticket in waiting]
