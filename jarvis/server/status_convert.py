"""The state of the server, from the core's values to the contract's."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import psutil

import jarvis
from jarvis.core.component import Component, State
from jarvis.core.components import Components
from jarvis.core.figures import Budget, Quantiles, Recent
from jarvis.core.gpus import Gpu
from jarvis.core.instruments import Instruments
from jarvis.core.model import Model
from jarvis.core.routing import Routes
from jarvis.core.status import HealthLevel, Status
from jarvis.v1 import server_pb2 as pb
from jarvis_plugins.registry import PortName

STATES = {
    State.LOADING: pb.STATE_LOADING,
    State.READY: pb.STATE_READY,
    State.FAILED: pb.STATE_FAILED,
    State.DRAINING: pb.STATE_DRAINING,
}
HEALTH = {
    HealthLevel.HEALTHY: pb.HEALTH_HEALTHY,
    HealthLevel.DEGRADED: pb.HEALTH_DEGRADED,
    HealthLevel.UNHEALTHY: pb.HEALTH_UNHEALTHY,
}


def status_response(  # noqa: PLR0913 - all that it is made of
    status: Status,
    *,
    components: Components,
    routes: Routes,
    active_requests: int,
    instruments: Instruments,
    gpus: Sequence[Gpu],
) -> pb.GetStatusResponse:
    """Return the state of the server, of each model, of what stands beside them, and how it fares."""
    return pb.GetStatusResponse(
        version=jarvis.__version__,
        state=STATES[status.state],
        uptime_seconds=status.uptime,
        active_requests=active_requests,
        models=[_model(model) for model in routes.models],
        components=[_component(one) for one in components if one.port_name != PortName.LLM],
        health=HEALTH[status.health],
        gpus=[
            pb.Gpu(
                id=gpu.id,
                name=gpu.name,
                memory_total_bytes=gpu.memory_total_bytes,
                memory_used_bytes=gpu.memory_used_bytes,
            )
            for gpu in gpus
        ],
        resident_memory_bytes=psutil.Process().memory_info().rss,
        recent=_recent(instruments.recent()),
        objectives=[_objective(budget) for budget in instruments.budgets()],
    )


def _model(model: Model) -> pb.ModelStatus:
    capabilities = model.capabilities
    return pb.ModelStatus(
        name=model.name,
        adapter=model.adapter,
        state=STATES[model.state],
        message=model.message,
        active_requests=model.active,
        restarts=model.restarts,
        notes=capabilities.notes if capabilities else (),
        settings=capabilities.settings if capabilities else {},
        circuit_open=model.breaker.open,
    )


def _component(component: Component[Any]) -> pb.ComponentStatus:
    info = component.loaded.info() if component.port_name == PortName.EMBEDDER and component.loaded else None
    return pb.ComponentStatus(
        port=component.port_name,
        name=component.name,
        adapter=component.adapter,
        state=STATES[component.state],
        message=component.message,
        restarts=component.restarts,
        notes=info.notes if info else (),
        settings=info.settings if info else {},
    )


def _recent(recent: Recent) -> pb.Recent:
    return pb.Recent(
        window_seconds=recent.window_seconds,
        calls=recent.calls,
        failed_calls=recent.failed_calls,
        output_tokens=recent.output_tokens,
        cache_hit_ratio=recent.cache_hit_ratio,
        **_quantiles("latency", recent.latency),
        **_quantiles("time_to_first_token", recent.time_to_first_token),
    )


def _quantiles(name: str, quantiles: Quantiles | None) -> dict[str, float]:
    found = asdict(quantiles) if quantiles else {}
    return {f"{name}_{quantile}_seconds": seconds for quantile, seconds in found.items()}


def _objective(budget: Budget) -> pb.Objective:
    objective = budget.objective
    return pb.Objective(
        name=objective.name,
        objective=objective.objective,
        threshold_seconds=objective.threshold_seconds,
        window_seconds=objective.window_seconds,
        observed_seconds=budget.observed_seconds,
        events=budget.events,
        bad_events=budget.bad_events,
        budget_remaining=budget.remaining,
    )
