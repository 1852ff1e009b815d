"""Makes all that the server opens: each adapter that is configured, in the component that it lives in."""

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from hashlib import blake2b
from pathlib import Path
from typing import Any

from jarvis.app import gpus
from jarvis.app.adapters import Chosen, check_memory, choose
from jarvis.app.config import NONE, AdapterConfig, Config
from jarvis.app.slo import objectives
from jarvis.core.breaker import CircuitBreaker
from jarvis.core.component import Component, WhenUnwell
from jarvis.core.instruments import Instruments
from jarvis.core.metrics import LOG_RECORDS_DROPPED
from jarvis.core.model import Model, Terms
from jarvis.core.requests import Requests
from jarvis.core.retrieval import Library
from jarvis.core.routing import Route, Routes
from jarvis.core.status import Components, Status
from jarvis.documents import Reader
from jarvis.textindex import SQLiteTextIndex
from jarvis_plugins.folders import data_folder
from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import PortName
from jarvis_ports.store import VectorStore
from jarvis_ports.telemetry import Telemetry

Opened = Callable[[], AbstractAsyncContextManager[Any]]

MEMORY = ":memory:"
"""In place of a folder: nothing is kept."""


def measuring(config: Config) -> Instruments:
    """Make what everything is measured with."""
    return Instruments(objectives(config.slo), config.slo.bad_codes)


def build(config: Config, instruments: Instruments) -> Status:
    """Make everything that the server opens, none of which is open yet.

    Raises:
        ConfigError: an adapter's settings are wrong.
        UnknownAdapter: an adapter is not installed.
        DuplicateAdapter: two plugins bring one adapter.
        ModelUnavailable: a model's files are missing.
    """
    adapters = load_plugins(config.plugins.block)
    chosen = partial(choose, adapters)
    found = chosen(PortName.TELEMETRY, "telemetry", config.telemetry)
    connected = partial(_open_telemetry, found.open, instruments)
    telemetry = _waiting("telemetry", config.telemetry, connected)
    embedder, caches = None, []
    if (section := config.embedder).adapter != NONE:
        found = chosen(PortName.EMBEDDER, "embedder", section)
        name = section.name or found.model_name
        embedder = Component(
            "embedder", name, section.adapter, found.open, WhenUnwell.RESTART, after=telemetry
        )
        caches = [
            _waiting("cache", tier, chosen(PortName.CACHE, f"cache[{position}]", tier).open)
            for position, tier in enumerate(config.cache)
        ]
    models = {name: chosen(PortName.LLM, f"models.{name}", model) for name, model in config.models.items()}
    check_memory(models)
    # `transformers` fails now and then where two threads import it at once.
    routes = _routes(config, models, after=embedder or telemetry)
    components = Components(routes, embedder, caches=caches, telemetry=telemetry)
    if config.store.adapter != NONE:
        open_store = chosen(PortName.STORE, "store", config.store).open
        library = partial(_open_library, _text_index(config), open_store)
        components.store = _waiting("store", config.store, library)
    if config.estimator.adapter != NONE:
        found = chosen(PortName.ESTIMATOR, "estimator", config.estimator)
        components.estimator = _waiting("estimator", config.estimator, found.open)
    return Status(components, Requests(), adapters, instruments, gpus.gpus if gpus.available() else None)


def _routes(config: Config, chosen: Mapping[str, Chosen], after: Component[Any]) -> Routes:
    """Make the models, and the routes over them."""
    death = WhenUnwell.RESTART if len(chosen) > 1 else WhenUnwell.EXIT
    breaker = config.circuit_breaker
    models = {
        name: Model(
            name,
            model.adapter,
            chosen[name].open,
            WhenUnwell(model.on_engine_death or death),
            after=after,
            terms=Terms(
                range(model.min_difficulty, model.max_difficulty + 1), model.priority, model.max_requests
            ),
            breaker=CircuitBreaker(breaker.failures, breaker.open_seconds),
        )
        for name, model in config.models.items()
    }
    routes = [
        Route(name, [models[model] for model in route.models], route.fallback)
        for name, route in config.routes.items()
    ]
    return Routes(list(models.values()), routes, config.default_route)


def _waiting(kind: str, section: AdapterConfig, opened: Opened) -> Component[Any]:
    return Component(kind, section.adapter, section.adapter, opened, WhenUnwell.WAIT)


def _text_index(config: Config) -> Path | None:
    """Name the folder of the text index: each store has its own, unless one is configured."""
    folder = config.retrieval.text_index
    if folder:
        return Path(folder).expanduser() if folder != MEMORY else None
    store = json.dumps(config.store.model_dump(mode="json"), sort_keys=True)
    return data_folder("text-index") / blake2b(store.encode(), digest_size=8).hexdigest()


@asynccontextmanager
async def _open_library(
    text_index: Path | None, open_store: Callable[[], AbstractAsyncContextManager[VectorStore]]
) -> AsyncIterator[Library]:
    """Open the store, and what retrieval needs beside it."""
    async with (
        open_store() as store,
        SQLiteTextIndex.open(text_index) as texts,
        Reader() as reader,
    ):
        yield Library(store, texts, reader)


@asynccontextmanager
async def _open_telemetry(
    open_telemetry: Callable[[], AbstractAsyncContextManager[Telemetry]], instruments: Instruments
) -> AsyncIterator[Telemetry]:
    """Open the adapter, and have everything measured with it."""
    async with open_telemetry() as telemetry:
        with instruments.connected(telemetry):
            instruments.count(LOG_RECORDS_DROPPED, {}, 0)  # an increase needs a series that was 0
            yield telemetry
