"""What the server tells of itself beside what a scraper keeps: figures of late, and error budgets."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quantiles:
    """The median, the 95th and the 99th percentile, in seconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Recent:
    """What was done in the last `window_seconds`; None where nothing was measured. See the contract."""

    window_seconds: float
    calls: int = 0
    failed_calls: int = 0
    latency: Quantiles | None = None
    time_to_first_token: Quantiles | None = None
    output_tokens: int = 0
    cache_hit_ratio: float | None = None


@dataclass(frozen=True, slots=True)
class Objective:
    """What is promised: `objective` is the share of good events, in (0, 1), over `window_seconds`.

    `threshold_seconds` is None of availability.
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
        """What is left, as a share: 1 where nothing was bad, negative where it is overspent."""
        if not self.events:
            return 1.0
        return 1 - self.bad_events / self.events / (1 - self.objective.objective)
