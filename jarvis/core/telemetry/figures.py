"""Service-level objectives, and what is left of their error budgets."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Objective:
    """A promise: `objective` is the share of good events, in (0, 1), over `window_seconds`.

    `threshold_seconds` is None for availability.
    """

    name: str
    objective: float
    window_seconds: float
    threshold_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left of an objective's error budget; see the contract."""

    objective: Objective
    observed_seconds: float
    events: int
    bad_events: int

    @property
    def remaining(self) -> float:
        """The share that is left: 1 if nothing was bad, negative if the budget is overspent."""
        if not self.events:
            return 1.0
        return 1 - self.bad_events / self.events / (1 - self.objective.objective)
