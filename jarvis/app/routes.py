"""Makes the models, and the routes over them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import Any

from jarvis.app.adapters import ConfiguredAdapter
from jarvis.app.admission import bounds
from jarvis.app.config import Config, ConfigError, ModelConfig, engines, lora_settings
from jarvis.app.weights import find_weights, make_lora
from jarvis.core.admission import Scopes
from jarvis.core.lifecycle.component import Component, WhenUnwell
from jarvis.core.routing import Route, Routes
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model, Terms
from jarvis_ports.errors import EngineStartFailed
from jarvis_ports.llm import LLM


def make_routes(
    config: Config, adapters: Mapping[str, ConfiguredAdapter], scopes: Scopes, after: Component[Any]
) -> Routes:
    """Return the models, and the routes over them.

    Args:
        config: the configuration of models and routes.
        adapters: the adapter of each model, by the model's name.
        scopes: bounds on all models together, and on callers.
        after: the component that is opened before the models.

    Raises:
        ConfigError: the weights of a model are missing, or lie where they must not.
    """
    death = WhenUnwell.RESTART if len(adapters) > 1 else WhenUnwell.EXIT
    made = partial(_make_model, config, scopes)
    models = {
        name: made(name, adapters[name].open, WhenUnwell(model.on_engine_death or death), after)
        for name, model in engines(config.models).items()
    }
    for name, model in config.models.items():
        if settings := lora_settings(model):
            base = models[settings.base]
            find = partial(find_weights, settings.path, config.server.weights_folders)
            try:
                find()
            except EngineStartFailed as error:
                raise ConfigError(f"models.{name}.settings.path: {error}") from None
            models[name] = make_lora(config, scopes, name, base, find, _terms(model))
    models = {name: models[name] for name in config.models}
    routes = [
        Route(name, [models[model] for model in route.models], route.fallback)
        for name, route in config.routes.items()
    ]
    return Routes(list(models.values()), routes, config.default_route)


def _make_model(  # noqa: PLR0913, PLR0917 - all that it is made of
    config: Config,
    scopes: Scopes,
    name: str,
    open_port: Callable[[], AbstractAsyncContextManager[LLM]],
    when_unwell: WhenUnwell,
    after: Component[Any],
) -> Model:
    model, breaker = config.models[name], config.circuit_breaker
    return Model(
        name,
        model.adapter,
        open_port,
        when_unwell,
        after=after,
        idle_seconds=model.idle_unload_seconds,
        terms=_terms(model),
        scopes=scopes,
        breaker=CircuitBreaker(breaker.failures, breaker.open_seconds),
    )


def _terms(model: ModelConfig) -> Terms:
    difficulties = range(model.min_difficulty, model.max_difficulty + 1)
    return Terms(difficulties, model.priority, bounds(model), model.max_running)
