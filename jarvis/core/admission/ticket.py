"""A request that wants to be let in."""

import asyncio
import time
from dataclasses import dataclass, field

from jarvis.core.tokens import tokens_in

PRIORITY_SECONDS = 10.0
"""What one step of priority is worth. A request of priority p goes behind those that come up to p times as
much later, and ahead of all others: it cannot starve."""
EQUAL_SECONDS = 1.0
"""Requests that arrive within it are equals, of which the one with the earliest deadline goes first."""


@dataclass(frozen=True)
class Arrival:
    """Who sent a request, and until when an answer is of use.

    Attributes:
        caller: the caller's name; "" where nobody is known.
        deadline: by `time.monotonic`; None if there is none.
    """

    caller: str = ""
    deadline: float | None = None


@dataclass(eq=False)
class Ticket:
    """One request, on its way into one model.

    Attributes:
        arrival: whose it is, and its deadline.
        characters: the length of its prompt.
        sequences: how many answers it wants, each of which takes a slot of the model.
        priority: the lower, the sooner; among the requests of one caller.
        arrived: when it came, by `time.monotonic`.
        asked: when it asked for this model.
        started: when it was let in; None before.
        charged: the seconds of a slot that its caller was charged for it then.
        left: whether it counts no more.
        turn: resolved when it is let in, or with the error that it is refused with.
    """

    arrival: Arrival
    characters: int
    sequences: int = 1
    priority: int = 0
    arrived: float = field(default_factory=time.monotonic)
    asked: float = field(default_factory=time.monotonic)
    started: float | None = None
    charged: float = 0.0
    left: bool = False
    turn: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    @property
    def tokens(self) -> int:
        """About how many tokens its prompt has."""
        return max(1, tokens_in(self.characters))

    @property
    def waited(self) -> float:
        """How many seconds it waited for this model, or has waited so far."""
        return (time.monotonic() if self.started is None else self.started) - self.asked

    @property
    def rank(self) -> tuple[float, float, float]:
        """Its place among the requests of its caller; the least is first."""
        due = (self.arrived + self.priority * PRIORITY_SECONDS) // EQUAL_SECONDS
        return due, self.arrival.deadline or float("inf"), self.arrived
