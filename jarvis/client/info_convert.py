"""What the server tells about itself to Python values."""

from jarvis.client.info import (
    AdapterInfo,
    AdapterState,
    ComponentStatus,
    Gpu,
    HealthLevel,
    ModelInfo,
    ModelStatus,
    Objective,
    Quantiles,
    Recent,
    RouteInfo,
    ServerStatus,
    State,
)
from jarvis.client.messages import known
from jarvis.v1 import server_pb2

STATES = {
    server_pb2.STATE_LOADING: State.LOADING,
    server_pb2.STATE_READY: State.READY,
    server_pb2.STATE_FAILED: State.FAILED,
    server_pb2.STATE_DRAINING: State.DRAINING,
}
HEALTH = {
    server_pb2.HEALTH_HEALTHY: HealthLevel.HEALTHY,
    server_pb2.HEALTH_DEGRADED: HealthLevel.DEGRADED,
    server_pb2.HEALTH_UNHEALTHY: HealthLevel.UNHEALTHY,
}
ADAPTER_STATES = {
    server_pb2.ADAPTER_STATE_AVAILABLE: AdapterState.AVAILABLE,
    server_pb2.ADAPTER_STATE_FAILED: AdapterState.FAILED,
    server_pb2.ADAPTER_STATE_BLOCKED: AdapterState.BLOCKED,
    server_pb2.ADAPTER_STATE_INCOMPATIBLE: AdapterState.INCOMPATIBLE,
}


def server_status(response: server_pb2.GetStatusResponse) -> ServerStatus:
    """Read the state of the server."""
    models = (
        ModelStatus(
            name=model.name,
            adapter=model.adapter,
            state=known(STATES, model.state),
            message=model.message,
            active_requests=model.active_requests,
            restarts=model.restarts,
            notes=tuple(model.notes),
            settings=dict(model.settings),
            circuit_open=model.circuit_open,
        )
        for model in response.models
    )
    return ServerStatus(
        version=response.version,
        state=known(STATES, response.state),
        uptime_seconds=response.uptime_seconds,
        active_requests=response.active_requests,
        models=tuple(models),
        components=tuple(_component(component) for component in response.components),
        health=known(HEALTH, response.health) if response.health else None,
        gpus=tuple(
            Gpu(gpu.id, gpu.name, gpu.memory_total_bytes, gpu.memory_used_bytes) for gpu in response.gpus
        ),
        resident_memory_bytes=response.resident_memory_bytes,
        recent=_recent(response.recent),
        objectives=tuple(_objective(objective) for objective in response.objectives),
    )


def _component(component: server_pb2.ComponentStatus) -> ComponentStatus:
    return ComponentStatus(
        port=component.port,
        name=component.name,
        adapter=component.adapter,
        state=known(STATES, component.state),
        message=component.message,
        restarts=component.restarts,
        notes=tuple(component.notes),
        settings=dict(component.settings),
    )


def _recent(recent: server_pb2.Recent) -> Recent:
    return Recent(
        window_seconds=recent.window_seconds,
        calls=recent.calls,
        failed_calls=recent.failed_calls,
        latency=_quantiles(recent, "latency"),
        time_to_first_token=_quantiles(recent, "time_to_first_token"),
        output_tokens=recent.output_tokens,
        cache_hit_ratio=recent.cache_hit_ratio if recent.HasField("cache_hit_ratio") else None,
    )


def _quantiles(recent: server_pb2.Recent, name: str) -> Quantiles | None:
    fields = {quantile: f"{name}_{quantile}_seconds" for quantile in ("p50", "p95", "p99")}
    if not all(recent.HasField(field) for field in fields.values()):  # type: ignore[arg-type]
        return None
    return Quantiles(**{quantile: getattr(recent, field) for quantile, field in fields.items()})


def _objective(objective: server_pb2.Objective) -> Objective:
    return Objective(
        name=objective.name,
        objective=objective.objective,
        threshold_seconds=objective.threshold_seconds if objective.HasField("threshold_seconds") else None,
        window_seconds=objective.window_seconds,
        observed_seconds=objective.observed_seconds,
        events=objective.events,
        bad_events=objective.bad_events,
        budget_remaining=objective.budget_remaining,
    )


def models(response: server_pb2.ListModelsResponse) -> list[ModelInfo]:
    """Read the models."""
    return [
        ModelInfo(
            name=model.name,
            is_default=model.is_default,
            adapter=model.adapter,
            state=known(STATES, model.state),
            context_length=model.context_length if model.HasField("context_length") else None,
            supported_fields=tuple(model.supported_fields),
            min_difficulty=model.min_difficulty,
            max_difficulty=model.max_difficulty,
            priority=model.priority,
            max_requests=model.max_requests if model.HasField("max_requests") else None,
        )
        for model in response.models
    ]


def routes(response: server_pb2.ListModelsResponse) -> list[RouteInfo]:
    """Read the routes."""
    return [
        RouteInfo(
            name=route.name,
            is_default=route.is_default,
            models=tuple(route.models),
            fallback=route.fallback if route.HasField("fallback") else None,
        )
        for route in response.routes
    ]


def adapters(response: server_pb2.ListAdaptersResponse) -> list[AdapterInfo]:
    """Read the adapters."""
    return [
        AdapterInfo(
            port=adapter.port,
            name=adapter.name,
            distribution=adapter.distribution,
            version=adapter.version,
            state=known(ADAPTER_STATES, adapter.state),
            message=adapter.message,
        )
        for adapter in response.adapters
    ]
