"""Makes the models, and the routes over them."""

from collections.abc import Mapping
from typing import Any

from jarvis.app.adapters import ConfiguredAdapter
from jarvis.app.admission import bounds
from jarvis.app.config import Config
from jarvis.core.admission import Scopes
from jarvis.core.lifecycle.component import Component, WhenUnwell
from jarvis.core.routing import Route, Routes
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model, Terms


def make_routes(
    config: Config, adapters: Mapping[str, ConfiguredAdapter], scopes: Scopes, after: Component[Any]
) -> Routes:
    """Return the models, and the routes over them.

    Args:
        config: the configuration of models and routes.
        adapters: the adapter of each model, by the model's name.
        scopes: bounds on all models together, and on callers.
        after: the component that is opened before the models.
    """
    death = WhenUnwell.RESTART if len(adapters) > 1 else WhenUnwell.EXIT
    breaker = config.circuit_breaker
    models = {
        name: Model(
            name,
            model.adapter,
            adapters[name].open,
            WhenUnwell(model.on_engine_death or death),
            after=after,
            terms=Terms(
                range(model.min_difficulty, model.max_difficulty + 1),
                model.priority,
                bounds(model),
                model.max_running,
            ),
            scopes=scopes,
            breaker=CircuitBreaker(breaker.failures, breaker.open_seconds),
        )
        for name, model in config.models.items()
    }
    routes = [
        Route(name, [models[model] for model in route.models], route.fallback)
        for name, route in config.routes.items()
    ]
    return Routes(list(models.values()), routes, config.default_route)
