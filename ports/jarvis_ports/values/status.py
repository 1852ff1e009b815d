"""The status of a server."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jarvis_ports.values.enums import OpenEnum


class State(OpenEnum):
    """The state of the server, of a model or of a component."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    DRAINING = "draining"
    SLEEPING = "sleeping"


@dataclass(frozen=True)
class ModelStatus:
    """The state of one model; `message` says why, if it is not ready.

    If `circuit_open`, it kept failing, and routes try it last for a while.
    """

    name: str
    adapter: str
    state: State
    message: str
    active_requests: int
    restarts: int
    notes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)
    circuit_open: bool = False


@dataclass(frozen=True)
class ComponentStatus:
    """The state of a component other than a model.

    `port` is embedder, store, cache, estimator or telemetry.
    """

    port: str
    name: str
    adapter: str
    state: State
    message: str
    restarts: int
    notes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


class HealthLevel(OpenEnum):
    """Whether all is well.

    Degraded: a configured component is not ready, and callers are or will be served without it.
    Unhealthy: a component that callers need has failed.
    """

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True)
class Gpu:
    """A GPU of the server's machine: its index and name from the driver, and its memory in bytes.

    `memory_used_bytes` counts the memory that any process uses.
    """

    id: int
    name: str
    memory_total_bytes: int
    memory_used_bytes: int


@dataclass(frozen=True)
class Quantiles:
    """The median, the 95th and the 99th percentile, in seconds."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class Recent:
    """What the server did recently; a value is None if nothing was measured.

    Attributes:
        window_seconds: the period that is covered: 60 seconds, or less soon after the start.
        calls: the calls of generation, embedding and retrieval that ended.
        failed_calls: those of them that ended with a code that counts as the server's failure.
        latency: the time of answered requests to models, from arrival to end.
        time_to_first_token: the time from the arrival of a request to the first token.
        output_tokens: the tokens that models generated for requests that ended.
        cache_hit_ratio: the share, in [0, 1], of texts whose vectors the cache had.
    """

    window_seconds: float = 0.0
    calls: int = 0
    failed_calls: int = 0
    latency: Quantiles | None = None
    time_to_first_token: Quantiles | None = None
    output_tokens: int = 0
    cache_hit_ratio: float | None = None


@dataclass(frozen=True)
class Objective:
    """A service-level objective, and what is left of its error budget.

    Attributes:
        name: availability, latency or time_to_first_token.
        objective: the share of good events that is promised, in (0, 1).
        threshold_seconds: the longest time of a good event; None for availability.
        window_seconds: the time over which the promise holds.
        observed_seconds: how much of that time this server has seen since its start.
        events: the number of events in that time.
        bad_events: the number of them that were bad.
        budget_remaining: 1 if no event was bad, 0 if the budget is spent, negative if it is overspent.
    """

    name: str
    objective: float
    threshold_seconds: float | None
    window_seconds: float
    observed_seconds: float
    events: int
    bad_events: int
    budget_remaining: float


@dataclass(frozen=True)
class ServerStatus:
    """The state of the server; it is ready when everything that it needs is.

    Attributes:
        active_requests: the requests that run or wait in it.
        health: None if the server is too old to report it.
        gpus: the GPUs of its machine; empty if there is no NVIDIA driver.
        resident_memory_bytes: the memory of its own process, without that of its engines.
        recent: what it did recently.
        objectives: what is promised, and what is left of the error budgets.
    """

    version: str
    state: State
    uptime_seconds: float
    active_requests: int
    models: tuple[ModelStatus, ...]
    components: tuple[ComponentStatus, ...] = ()
    health: HealthLevel | None = None
    gpus: tuple[Gpu, ...] = ()
    resident_memory_bytes: int = 0
    recent: Recent = Recent()
    objectives: tuple[Objective, ...] = ()
