"""Puts the house together: configuration, plugins, adapters, use cases, server."""

import asyncio
import json
import logging
import os
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Any

from jarvis.chosen import Chosen, check_memory, choose
from jarvis.config import NONE, AdapterConfig, Config, ConfigError, PromptsConfig
from jarvis.core.breaker import CircuitBreaker
from jarvis.core.component import Component, WhenUnwell
from jarvis.core.embedding import Embedding
from jarvis.core.generation import Generation
from jarvis.core.grounding import Grounding, GroundingSettings
from jarvis.core.model import Model, Terms
from jarvis.core.prompting import BadTemplate, Prompting, Template, Tier
from jarvis.core.requests import Requests
from jarvis.core.retrieval import Library, Retrieval, RetrievalSettings
from jarvis.core.routing import Route, Routes
from jarvis.core.status import Components, Status
from jarvis.core.use_cases import UseCases
from jarvis.documents import Reader
from jarvis.textindex import TextIndex
from jarvis_plugins.folders import data_folder
from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import PortName
from jarvis_ports.difficulty import DifficultyEstimator
from jarvis_ports.store import VectorStore

logger = logging.getLogger(__name__)

Opened = Callable[[], AbstractAsyncContextManager[Any]]

MEMORY = ":memory:"
"""In place of a folder: nothing is kept."""


def check(config: Config) -> None:
    """Check all that can be known without starting an engine.

    Raises:
        ConfigError, UnknownAdapter, DuplicateAdapter, ModelUnavailable: see `build`.
    """
    use_cases(config)


async def serve(config: Config) -> int:
    """Run the server until it is told to stop; return the exit code.

    Raises:
        ConfigError, UnknownAdapter, DuplicateAdapter, ModelUnavailable: see `build`.
        AddressInUse: it cannot listen where it was told to.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # it tells on its own what is raised as well
    from jarvis.server.lifecycle import Server, kill_children  # noqa: PLC0415 - grpc, which `build` does not need

    logging.basicConfig(
        level=config.log.level.upper(), format="%(levelname)s %(asctime)s %(name)s: %(message)s"
    )
    server = Server(config.server, use_cases(config))
    signals = count(1)

    def stop() -> None:
        server.stop()
        if next(signals) > 1:  # whoever asks twice does not want to wait
            kill_children()
            os._exit(1)

    for signal_ in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(signal_, stop)
    return await server.run()


def build(config: Config) -> Status:
    """Make everything that the server opens, none of which is open yet.

    Raises:
        ConfigError: an adapter's settings are wrong.
        UnknownAdapter: an adapter is not installed.
        DuplicateAdapter: two plugins bring one adapter.
        ModelUnavailable: a model's files are missing.
    """
    adapters = load_plugins(config.plugins.block)
    chosen = partial(choose, adapters)

    embedder, caches = None, []
    if (section := config.embedder).adapter != NONE:
        found = chosen(PortName.EMBEDDER, "embedder", section)
        name = section.name or found.model_name
        embedder = Component("embedder", name, section.adapter, found.open, WhenUnwell.RESTART)
        caches = [
            _waiting("cache", tier, chosen(PortName.CACHE, f"cache[{position}]", tier).open)
            for position, tier in enumerate(config.cache)
        ]
    models = {name: chosen(PortName.LLM, f"models.{name}", model) for name, model in config.models.items()}
    check_memory(models)
    components = Components(_routes(config, models, embedder), embedder, caches=caches)
    if config.store.adapter != NONE:
        open_store = chosen(PortName.STORE, "store", config.store).open
        opened = partial(_open_library, _text_index(config), open_store)
        components.store = _waiting("store", config.store, opened)
    if config.estimator.adapter != NONE:
        found = chosen(PortName.ESTIMATOR, "estimator", config.estimator)
        components.estimator = _waiting("estimator", config.estimator, found.open)
    return Status(components, Requests(), adapters)


def _routes(config: Config, chosen: Mapping[str, Chosen], embedder: Component[Any] | None) -> Routes:
    """Make the models, and the routes over them."""
    death = WhenUnwell.RESTART if len(chosen) > 1 else WhenUnwell.EXIT
    breaker = config.circuit_breaker
    models = {
        name: Model(
            name,
            model.adapter,
            chosen[name].open,
            WhenUnwell(model.on_engine_death or death),
            after=embedder,  # `transformers` fails now and then where two threads import it at once
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


def _prompting(config: PromptsConfig, estimator: Component[DifficultyEstimator] | None) -> Prompting:
    """Read and check the templates.

    Raises:
        ConfigError: one cannot be used.
    """
    templates = {}
    for name, template in config.templates.items():
        try:
            templates[name] = Template(
                name,
                template.texts,
                template.variables,
                temperature=template.temperature,
                max_tokens=template.max_tokens,
            )
        except BadTemplate as error:
            msg = f"prompts.templates.{error}"
            raise ConfigError(msg) from None
    tiers = [Tier(tier.template, tier.below) for tier in config.tiers]
    return Prompting(estimator, templates, tiers, automatic=config.automatic, language=config.language)


def use_cases(config: Config) -> UseCases:
    """Put the use cases together; see `build`."""
    status = build(config)
    components, limits = status.components, config.retrieval
    embedding = Embedding(
        components.embedder, components.caches, max_batch_tokens=config.embedder.max_batch_tokens
    )
    retrieval = Retrieval(
        components.store,
        embedding,
        RetrievalSettings(limits.chunk_tokens, limits.chunk_overlap, limits.max_document_bytes),
    )
    grounding = GroundingSettings(limits.min_similarity, limits.max_context_tokens)
    prompting = _prompting(config.prompts, components.estimator)
    generation = Generation(status.routes, prompting, Grounding(retrieval, grounding))
    return UseCases(status, generation, embedding, retrieval)


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
        TextIndex.open(text_index) as texts,
        Reader() as reader,
    ):
        yield Library(store, texts, reader)
