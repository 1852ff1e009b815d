"""Bounds on what runs and waits: in total, in each model, of each caller."""

from collections.abc import Mapping
from dataclasses import dataclass

from jarvis.core.admission.ticket import Ticket


@dataclass(frozen=True)
class Bounds:
    """The most that may run and wait; None is no bound.

    Attributes:
        requests: the most requests that run or wait.
        queued_tokens: the most tokens of the prompts that wait, as guessed by their length.
    """

    requests: int | None = None
    queued_tokens: int | None = None


@dataclass(frozen=True)
class CallerTerms:
    """The share of a caller, beside others: twice the weight is twice the share; and its bounds."""

    weight: float = 1.0
    bounds: Bounds = Bounds()


class Scope:
    """What runs and waits in one place, such as a model."""

    def __init__(self, name: str, bounds: Bounds) -> None:
        self.name = name
        self._bounds = bounds
        self.requests = 0
        self.queued_tokens = 0

    def lack(self, ticket: Ticket, *, waits: bool) -> str:
        """Return which bound one more request would break; "" if none."""
        bounds = self._bounds
        if bounds.requests is not None and self.requests >= bounds.requests:
            return f"{self.name} has {self.requests} requests, as many as it may have"
        tokens = self.queued_tokens + ticket.tokens
        # One prompt may wait alone, however long it is.
        if waits and self.queued_tokens and bounds.queued_tokens and tokens > bounds.queued_tokens:
            return f"prompts of about {self.queued_tokens} tokens wait in {self.name}, which is all that may"
        return ""


class Scopes:
    """The scopes that all models share.

    Args:
        total: bounds on all models together.
        callers: the terms of callers, by their names; those of others are the default.
    """

    def __init__(self, total: Bounds = Bounds(), callers: Mapping[str, CallerTerms] | None = None) -> None:
        self.total = Scope("the server", total)
        self._terms = callers or {}
        self._callers: dict[str, Scope] = {}

    def weight(self, caller: str) -> float:
        """Return the weight of a caller."""
        return self._terms.get(caller, CallerTerms()).weight

    def of(self, caller: str) -> Scope:
        """Return the scope of a caller."""
        if (scope := self._callers.get(caller)) is None:
            scope = Scope("the caller", self._terms.get(caller, CallerTerms()).bounds)
            self._callers[caller] = scope
        return scope

    def forget(self, caller: str) -> None:
        """Drop what is kept of a caller that has nothing here."""
        if (scope := self._callers.get(caller)) and not scope.requests:
            del self._callers[caller]
