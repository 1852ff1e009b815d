"""The state of the server, gathered from all that it is made of."""

from collections.abc import Sequence
from typing import Any

import psutil

import jarvis
from jarvis.core.component import Component
from jarvis.core.figures import Budget
from jarvis.core.model import Model
from jarvis.core.status import Status
from jarvis_plugins.registry import PortName
from jarvis_ports.values import (
    ComponentStatus,
    Gpu,
    ModelInfo,
    ModelList,
    ModelStatus,
    Objective,
    RouteInfo,
    ServerStatus,
)


def server_status(status: Status, gpus: Sequence[Gpu]) -> ServerStatus:
    """Return the state of the server, of each model, of what stands beside them, and how it fares."""
    return ServerStatus(
        version=jarvis.__version__,
        state=status.state,
        uptime_seconds=status.uptime,
        active_requests=status.requests.active,
        models=tuple(_model_status(model, status) for model in status.routes.models),
        components=tuple(_component(component) for component in status.components.beside_models),
        health=status.health,
        gpus=tuple(gpus),
        resident_memory_bytes=psutil.Process().memory_info().rss,
        recent=status.instruments.recent(),
        objectives=tuple(_objective(budget) for budget in status.instruments.budgets()),
    )


def _model_status(model: Model, status: Status) -> ModelStatus:
    capabilities = status.capabilities(model)
    return ModelStatus(
        name=model.name,
        adapter=model.adapter,
        state=model.state,
        message=model.message,
        active_requests=model.active,
        restarts=model.restarts,
        notes=capabilities.notes if capabilities else (),
        settings=capabilities.settings if capabilities else {},
        circuit_open=model.breaker.open,
    )


def _component(component: Component[Any]) -> ComponentStatus:
    info = component.loaded.info() if component.kind == PortName.EMBEDDER and component.loaded else None
    return ComponentStatus(
        port=component.kind,
        name=component.name,
        adapter=component.adapter,
        state=component.state,
        message=component.message,
        restarts=component.restarts,
        notes=info.notes if info else (),
        settings=info.settings if info else {},
    )


def _objective(budget: Budget) -> Objective:
    objective = budget.objective
    return Objective(
        name=objective.name,
        objective=objective.objective,
        threshold_seconds=objective.threshold_seconds,
        window_seconds=objective.window_seconds,
        observed_seconds=budget.observed_seconds,
        events=budget.events,
        bad_events=budget.bad_events,
        budget_remaining=budget.remaining,
    )


def model_list(status: Status) -> ModelList:
    """Return the configured models, and the routes over them."""
    routes = status.routes
    return ModelList(
        tuple(_model_info(model, status) for model in routes.models),
        tuple(
            RouteInfo(
                name=route.name,
                is_default=route.name == routes.default,
                models=tuple(model.name for model in route.models),
                fallback=route.fallback,
            )
            for route in routes.routes
        ),
    )


def _model_info(model: Model, status: Status) -> ModelInfo:
    capabilities, terms = status.capabilities(model), model.terms
    return ModelInfo(
        name=model.name,
        is_default=model in status.routes.get("").order(None),
        adapter=model.adapter,
        state=model.state,
        context_length=capabilities.context_length if capabilities else None,
        supported_fields=tuple(sorted(capabilities.fields)) if capabilities else (),
        min_difficulty=terms.difficulties.start,
        max_difficulty=terms.difficulties.stop - 1,
        priority=terms.priority,
        max_requests=terms.max_requests,
    )
