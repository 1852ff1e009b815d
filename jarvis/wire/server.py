"""server.proto."""

from jarvis.v1 import server_pb2 as pb
from jarvis.wire.codec import Codec
from jarvis.wire.convert import REFUSED, Blame, Enumeration, Many, build
from jarvis.wire.shapes import Only
from jarvis_ports.values import (
    AdapterInfo,
    AdapterState,
    AdapterWeights,
    CallerUsage,
    ComponentStatus,
    Gpu,
    HealthLevel,
    ModelInfo,
    ModelList,
    ModelStatus,
    Objective,
    Quantiles,
    Recent,
    ReloadRequest,
    RouteInfo,
    ServerStatus,
    State,
    UsageRequest,
    WeightsRequest,
)

STATES = Enumeration(pb.State, State, unset=REFUSED)
HEALTH = Enumeration(pb.Health, HealthLevel)
ADAPTER_STATES = Enumeration(pb.AdapterState, AdapterState, unset=REFUSED)
QUANTILES = ("p50", "p95", "p99")
FIGURES = ("window_seconds", "calls", "failed_calls", "output_tokens", "cache_hit_ratio")


class _Recent:
    """Converts recent figures: each triple of quantiles is three fields of the message."""

    plain = Codec(pb.Recent, Recent, only=FIGURES)

    def write(self, value: Recent, path: str) -> pb.Recent:
        latency, first = value.latency, value.time_to_first_token
        fields = self.plain.fields(value)
        fields |= _quantiles("latency", latency) | _quantiles("time_to_first_token", first)
        return build(pb.Recent, fields, f"{path}.")

    def read(self, raw: pb.Recent, path: str, blame: Blame | None) -> Recent:  # noqa: ARG002
        return Recent(
            latency=_read_quantiles(raw, "latency"),
            time_to_first_token=_read_quantiles(raw, "time_to_first_token"),
            **self.plain.values(raw),
        )


def _quantiles(name: str, quantiles: Quantiles | None) -> dict[str, float]:
    return {f"{name}_{one}_seconds": getattr(quantiles, one) for one in QUANTILES} if quantiles else {}


def _read_quantiles(recent: pb.Recent, name: str) -> Quantiles | None:
    fields = [f"{name}_{one}_seconds" for one in QUANTILES]
    if not all(recent.HasField(field) for field in fields):  # type: ignore[arg-type]
        return None
    return Quantiles(*(getattr(recent, field) for field in fields))


STATUS = Codec(
    pb.GetStatusResponse,
    ServerStatus,
    state=STATES,
    models=Many(Codec(pb.ModelStatus, ModelStatus, state=STATES)),
    components=Many(Codec(pb.ComponentStatus, ComponentStatus, state=STATES)),
    health=HEALTH,
    gpus=Many(Codec(pb.Gpu, Gpu)),
    recent=_Recent(),
    objectives=Many(Codec(pb.Objective, Objective)),
)
MODEL_LIST = Codec(
    pb.ListModelsResponse,
    ModelList,
    models=Many(Codec(pb.Model, ModelInfo, state=STATES)),
    routes=Many(Codec(pb.Route, RouteInfo)),
)
ADAPTERS: Only[pb.ListAdaptersResponse, tuple[AdapterInfo, ...]] = Only(
    pb.ListAdaptersResponse,
    Many(Codec(pb.Adapter, AdapterInfo, state=ADAPTER_STATES)),
)
ABORT: Only[pb.AbortRequest, str] = Only(pb.AbortRequest)
ABORTED: Only[pb.AbortResponse, int] = Only(pb.AbortResponse)
RELOAD = Codec(pb.ReloadAdapterRequest, ReloadRequest)
RELOADED: Only[pb.ReloadAdapterResponse, int] = Only(pb.ReloadAdapterResponse)
SLEEP: Only[pb.SleepModelRequest, str] = Only(pb.SleepModelRequest)
ASLEEP: Only[pb.SleepModelResponse, int] = Only(pb.SleepModelResponse)
WAKE: Only[pb.WakeModelRequest, str] = Only(pb.WakeModelRequest)
AWAKE = pb.WakeModelResponse()
LOAD_WEIGHTS = Codec(pb.LoadAdapterWeightsRequest, WeightsRequest)
UNLOAD_WEIGHTS: Only[pb.UnloadAdapterWeightsRequest, str] = Only(pb.UnloadAdapterWeightsRequest)
UNLOADED: Only[pb.UnloadAdapterWeightsResponse, int] = Only(pb.UnloadAdapterWeightsResponse)
WEIGHTS: Only[pb.ListAdapterWeightsResponse, tuple[AdapterWeights, ...]] = Only(
    pb.ListAdapterWeightsResponse, Many(Codec(pb.AdapterWeights, AdapterWeights, state=STATES))
)
USAGE_REQUEST = Codec(pb.GetUsageRequest, UsageRequest)
USAGE: Only[pb.GetUsageResponse, tuple[CallerUsage, ...]] = Only(
    pb.GetUsageResponse, Many(Codec(pb.CallerUsage, CallerUsage))
)

STATUS_REQUEST = pb.GetStatusRequest()
MODELS_REQUEST = pb.ListModelsRequest()
ADAPTERS_REQUEST = pb.ListAdaptersRequest()
WEIGHTS_REQUEST = pb.ListAdapterWeightsRequest()
WEIGHTS_LOADED = pb.LoadAdapterWeightsResponse()
