"""Routes: names that stand for several models."""

from collections.abc import Mapping

from pydantic import Field

from jarvis.app.config.lora import engines
from jarvis.app.config.section import ModelConfig, Section
from jarvis_ports.difficulty import HARDEST

DEFAULT_ROUTE = "default"


class RouteConfig(Section):
    """A name that stands for several models."""

    models: list[str] = Field(min_length=1, description="Its models; each takes questions of its difficulty.")
    fallback: str | None = Field(
        None, description="The route, or model, that is tried after all of its own models."
    )


class CircuitBreakerConfig(Section):
    """When routes stop trying a model first, and for how long."""

    failures: int = Field(
        5, ge=1, description="After so many failures in a row, routes try a model after all others ..."
    )
    open_seconds: float = Field(
        30.0, gt=0, description="... for so long; then one request tries it, and decides whether it is back."
    )


def checked_routes(
    routes: Mapping[str, RouteConfig], models: Mapping[str, ModelConfig]
) -> dict[str, RouteConfig]:
    """Check that every route leads to models of every difficulty, and add the default route.

    Raises:
        ValueError: a route is wrong; the text says what to change.
    """
    whole = dict(routes)
    if DEFAULT_ROUTE not in routes and DEFAULT_ROUTE not in models:
        whole[DEFAULT_ROUTE] = RouteConfig(models=list(engines(models)))
    for name, route in whole.items():
        where = f"{name}: " if name in routes else f"{name} (of all models, as it is not configured): "
        if problem := _problem(name, route, whole, models):
            raise ValueError(where + problem)
    return whole


def _problem(
    name: str, route: RouteConfig, routes: Mapping[str, RouteConfig], models: Mapping[str, ModelConfig]
) -> str | None:
    if not name:
        return "a route needs a name that is not empty"
    if name in models:
        return "a model has this name too; rename one of them"
    for model in route.models:
        if model not in models:
            return f"{model!r} is not one of the models ({', '.join(models)})"
        if route.models.count(model) > 1:
            return f"{model!r} is named twice"
    if gaps := _gaps([models[model] for model in route.models]):
        return (
            f"no model for difficulty {gaps}; widen min_difficulty and max_difficulty of one of "
            f"{', '.join(route.models)}"
        )
    return _bad_fallback(name, routes, models)


def _gaps(models: list[ModelConfig]) -> str:
    """Return the difficulties that no model takes, as ranges; empty if there are none."""
    gaps, free = [], 0
    for model in sorted(models, key=lambda model: model.min_difficulty):
        if model.min_difficulty > free:
            gaps.append(f"{free} to {model.min_difficulty - 1}")
        free = max(free, model.max_difficulty + 1)
    if free <= HARDEST:
        gaps.append(f"{free} to {HARDEST}")
    return " and ".join(gaps)


def _bad_fallback(
    name: str, routes: Mapping[str, RouteConfig], models: Mapping[str, ModelConfig]
) -> str | None:
    way = [name]
    while (after := routes[way[-1]].fallback) is not None and after not in models:
        if after not in routes:
            return f"fallback {after!r} is neither a route nor a model"
        way.append(after)
        if after in way[:-1]:
            return f"fallbacks go in a circle: {' -> '.join(way)}; leave one of them out"
    return None
