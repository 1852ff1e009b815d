"""What the server tells about itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class HealthStatus(StrEnum):
    """The answers of `grpc.health.v1`."""

    UNKNOWN = "UNKNOWN"
    SERVING = "SERVING"
    NOT_SERVING = "NOT_SERVING"
    SERVICE_UNKNOWN = "SERVICE_UNKNOWN"


class State(StrEnum):
    """The state of the server, or of a model."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    DRAINING = "draining"


@dataclass(frozen=True)
class ModelStatus:
    """The state of one model; `message` says why where it is not ready.

    `circuit_open`: it kept failing, so that routes try it last for a while.
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
    """The state of what stands beside the models; `port` is embedder, store, cache or estimator."""

    port: str
    name: str
    adapter: str
    state: State
    message: str
    restarts: int
    notes: tuple[str, ...] = ()
    settings: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ServerStatus:
    """The state of the server: ready when all that it needs is. `active_requests` run or wait in it."""

    version: str
    state: State
    uptime_seconds: float
    active_requests: int
    models: tuple[ModelStatus, ...]
    components: tuple[ComponentStatus, ...] = ()


@dataclass(frozen=True)
class ModelInfo:
    """A model that can be called.

    Until it is loaded, `context_length` (tokens of prompt and answer together) is None and `supported_fields`
    (paths of request fields, such as `sampling.top_p`) is empty.

    Attributes:
        is_default: a request that names no model may go to it.
        min_difficulty: routes send it what is at least as difficult as this, in [0, 100], ...
        max_difficulty: ... and at most as difficult as this.
        priority: of the models of a route that fit, the one with the lowest is tried first.
        max_requests: the most that run or wait in it; None is as many as come.
    """

    name: str
    is_default: bool
    adapter: str
    state: State
    context_length: int | None = None
    supported_fields: tuple[str, ...] = ()
    min_difficulty: int = 0
    max_difficulty: int = 100
    priority: int = 0
    max_requests: int | None = None


@dataclass(frozen=True)
class RouteInfo:
    """A name that stands for several models; `fallback` is the route, or model, that is tried after them."""

    name: str
    is_default: bool
    models: tuple[str, ...]
    fallback: str | None = None


class AdapterState(StrEnum):
    """Whether an adapter can be named in the configuration, and why not where it cannot."""

    AVAILABLE = "available"
    FAILED = "failed"
    BLOCKED = "blocked"
    INCOMPATIBLE = "incompatible"


@dataclass(frozen=True)
class AdapterInfo:
    """An installed adapter; or, where `port` is empty, a plugin that brought none."""

    port: str
    name: str
    distribution: str
    version: str
    state: AdapterState
    message: str = ""


@dataclass(frozen=True)
class TokenCount:
    """The tokens of a prompt, and the most that prompt and answer may have together."""

    model: str
    tokens: int
    context_length: int
