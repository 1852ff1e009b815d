"""The models, routes and adapters of a server."""

from dataclasses import dataclass

from jarvis_ports.values.enums import OpenEnum
from jarvis_ports.values.status import State


@dataclass(frozen=True)
class ModelInfo:
    """A model that can be called.

    Until it is loaded, `context_length` (tokens of prompt and answer together) is None and `supported_fields`
    (paths of request fields, such as `sampling.top_p`) is empty.

    Attributes:
        is_default: a request that names no model may go to it.
        min_difficulty: the least difficulty, in [0, 100], of the requests that routes send to it.
        max_difficulty: the greatest difficulty of the requests that routes send to it.
        priority: of the models of a route that fit, the one with the lowest is tried first.
        max_requests: the most requests that run or wait in it; None is no limit.
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


@dataclass(frozen=True)
class ModelList:
    """The models and the routes, in the order of the configuration."""

    models: tuple[ModelInfo, ...]
    routes: tuple[RouteInfo, ...]


class AdapterState(OpenEnum):
    """Whether an adapter can be named in the configuration, and if not, why."""

    AVAILABLE = "available"
    FAILED = "failed"
    BLOCKED = "blocked"
    INCOMPATIBLE = "incompatible"


@dataclass(frozen=True)
class AdapterInfo:
    """An installed adapter, or if `port` is empty, a plugin that brought none."""

    port: str
    name: str
    distribution: str
    version: str
    state: AdapterState
    message: str = ""


@dataclass(frozen=True)
class ReloadRequest:
    """Names a component: the port that it is for, and its name there."""

    port: str
    name: str


@dataclass(frozen=True)
class WeightsRequest:
    """Names further weights (LoRA): the model whose engine gets them, their own name, and their folder."""

    base: str
    name: str
    path: str


@dataclass(frozen=True)
class AdapterWeights:
    """A model that is another one, `base`, with further weights; `configured` ones cannot be unloaded."""

    name: str
    base: str
    path: str
    state: State
    configured: bool
