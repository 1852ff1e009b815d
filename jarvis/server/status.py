"""Gathers the state of the server from all its parts."""

from collections.abc import Sequence
from typing import Any

import psutil

import jarvis
from jarvis.core.lifecycle.component import Component
from jarvis.core.lifecycle.components import Components
from jarvis.core.routing import Routes
from jarvis.core.routing.model import Model
from jarvis.core.status import Status
from jarvis.core.telemetry.figures import Budget
from jarvis.core.telemetry.instruments import Instruments
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


def server_status(  # noqa: PLR0913 - all that it is made of
    status: Status,
    *,
    components: Components,
    routes: Routes,
    active_requests: int,
    instruments: Instruments,
    gpus: Sequence[Gpu],
) -> ServerStatus:
    """Return the state of the server, of each model and of the other components, and how it performs."""
    return ServerStatus(
        version=jarvis.__version__,
        state=status.state,
        uptime_seconds=status.uptime,
        active_requests=active_requests,
        models=tuple(_model_status(model) for model in routes.models),
        components=tuple(_component(one) for one in components if one.port_name != PortName.LLM),
        health=status.health,
        gpus=tuple(gpus),
        resident_memory_bytes=psutil.Process().memory_info().rss,
        recent=instruments.recent(),
        objectives=tuple(_objective(budget) for budget in instruments.budgets()),
    )


def _model_status(model: Model) -> ModelStatus:
    capabilities = model.capabilities
    state, message = model.shown
    return ModelStatus(
        name=model.name,
        adapter=model.adapter,
        state=state,
        message=message,
        active_requests=model.active,
        restarts=model.restarts,
        notes=capabilities.notes if capabilities else (),
        settings=capabilities.settings if capabilities else {},
        circuit_open=model.breaker.open,
    )


def _component(component: Component[Any]) -> ComponentStatus:
    tells = component.port_name in {PortName.EMBEDDER, PortName.RERANKER}
    info = component.loaded.info() if tells and component.loaded else None
    state, message = component.shown
    return ComponentStatus(
        port=component.port_name,
        name=component.name,
        adapter=component.adapter,
        state=state,
        message=message,
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


def model_list(routes: Routes) -> ModelList:
    """Return the configured models, and the routes over them."""
    return ModelList(
        tuple(_model_info(model, routes) for model in routes.models),
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


def _model_info(model: Model, routes: Routes) -> ModelInfo:
    capabilities, terms = model.capabilities, model.terms
    return ModelInfo(
        name=model.name,
        is_default=model in routes.get("").order(None),
        adapter=model.adapter,
        state=model.shown[0],
        context_length=capabilities.context_length if capabilities else None,
        supported_fields=tuple(sorted(capabilities.fields)) if capabilities else (),
        min_difficulty=terms.difficulties.start,
        max_difficulty=terms.difficulties.stop - 1,
        priority=terms.priority,
        max_requests=terms.bounds.requests,
    )
