"""Makes everything that the server opens: a component for each configured adapter."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

from jarvis.app.adapters import check_memory, check_room, configure_adapter
from jarvis.app.config import NONE, AdapterConfig, Config, engines
from jarvis.app.library import open_library, text_index_folder
from jarvis.app.routes import make_routes
from jarvis.core.admission import Scopes
from jarvis.core.generation.reranker import open_reranker
from jarvis.core.lifecycle.component import Component, WhenUnwell
from jarvis.core.lifecycle.components import Components
from jarvis.core.routing import Routes
from jarvis.core.telemetry.instruments import Instruments
from jarvis.core.telemetry.metrics import LOG_RECORDS_DROPPED
from jarvis_plugins.loader import Adapters
from jarvis_plugins.registry import PortName
from jarvis_ports.telemetry import Telemetry

Opener = Callable[[], AbstractAsyncContextManager[Any]]


def make_components(
    config: Config, adapters: Adapters, scopes: Scopes, instruments: Instruments
) -> tuple[Components, Routes, Callable[[str], None]]:
    """Return everything that the server opens, none of which is open yet, and the routes over its models.

    The function that comes third checks that a model fits into memory twice; see `check_room`.

    Raises:
        ConfigError: an adapter's settings are wrong.
        UnknownAdapter: an adapter is not installed.
        ModelUnavailable: a model's files are missing.
    """
    configure = partial(configure_adapter, adapters)
    adapter = configure(PortName.TELEMETRY, "telemetry", config.telemetry)
    open_telemetry = partial(_open_telemetry, adapter.open, instruments)
    telemetry = _waiting(PortName.TELEMETRY, config.telemetry, open_telemetry)
    made = [telemetry]
    for port, section in ((PortName.EMBEDDER, config.embedder), (PortName.RERANKER, config.reranker)):
        if section.adapter != NONE and section is not config.reranker.by_model:
            adapter = configure(port, port.value, section)
            name, last = section.name or adapter.model_name, made[-1]
            made.append(Component(port, name, section.adapter, adapter.open, WhenUnwell.RESTART, after=last))
    last = made[-1]
    if config.embedder.adapter != NONE:
        made += [
            _waiting(PortName.CACHE, tier, configure(PortName.CACHE, f"cache[{position}]", tier).open)
            for position, tier in enumerate(config.cache)
        ]
    models = {
        name: configure(PortName.LLM, f"models.{name}", model)
        for name, model in engines(config.models).items()
    }
    check_memory(models)
    # `transformers` sometimes fails if two threads import it at the same time.
    routes = make_routes(config, models, scopes, after=last)
    if config.store.adapter != NONE:
        adapter = configure(PortName.STORE, "store", config.store)
        opener = partial(open_library, text_index_folder(config), adapter.open)
        made.append(_waiting(PortName.STORE, config.store, opener))
    if config.estimator.adapter != NONE:
        adapter = configure(PortName.ESTIMATOR, "estimator", config.estimator)
        made.append(_waiting(PortName.ESTIMATOR, config.estimator, adapter.open))
    if reranker := config.reranker.by_model:
        model = next(model for model in routes.models if model.name == reranker.model)
        estimator = Components(made).one(PortName.ESTIMATOR)
        asking = partial(open_reranker, model, estimator, config.prompts.language)
        name = reranker.name or model.name
        kind = reranker.adapter
        made.append(Component(PortName.RERANKER, name, kind, asking, WhenUnwell.WAIT, after=model))
    return Components([*routes.models, *made]), routes, partial(check_room, models)


def _waiting(port: PortName, section: AdapterConfig, opener: Opener) -> Component[Any]:
    return Component(port, section.adapter, section.adapter, opener, WhenUnwell.WAIT)


@asynccontextmanager
async def _open_telemetry(
    open_telemetry: Callable[[], AbstractAsyncContextManager[Telemetry]], instruments: Instruments
) -> AsyncIterator[Telemetry]:
    """Open the adapter, and send all measurements to it."""
    async with open_telemetry() as telemetry:
        with instruments.connected(telemetry):
            instruments.count(LOG_RECORDS_DROPPED, {}, 0)  # an increase needs a series that was 0
            yield telemetry
