"""Puts the house together: configuration, plugins, adapters, use cases, server."""

import asyncio
import json
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from hashlib import blake2b
from itertools import count
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jarvis import models as references
from jarvis.config import NONE, AdapterConfig, Config, ConfigError
from jarvis.config.explain import explain
from jarvis.core.component import Component, WhenUnwell
from jarvis.core.embedding import Embedding
from jarvis.core.generation import Generation
from jarvis.core.grounding import GroundingSettings
from jarvis.core.model import Models
from jarvis.core.requests import Requests
from jarvis.core.retrieval import Library, Retrieval, RetrievalSettings
from jarvis.core.status import Components, Status
from jarvis.core.use_cases import UseCases
from jarvis.documents import Reader
from jarvis.textindex import TextIndex
from jarvis_plugins.folders import data_folder
from jarvis_plugins.loader import Adapters, load_plugins
from jarvis_plugins.registry import Adapter, PortName
from jarvis_plugins.settings import AdapterSettings, ResolvedByHost
from jarvis_ports.store import VectorStore

logger = logging.getLogger(__name__)

Chosen = tuple[Adapter[Any], AdapterSettings]
Opened = Callable[[], AbstractAsyncContextManager[Any]]

MEMORY = ":memory:"
"""In place of a folder: nothing is kept."""


def check(config: Config) -> None:
    """Check all that can be known without starting an engine.

    Raises:
        ConfigError, UnknownAdapter, DuplicateAdapter, ModelUnavailable: see `build`.
    """
    build(config)


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

    def chosen(port: PortName, where: str, section: AdapterConfig) -> Chosen:
        return _chosen(adapters, port, where, section)

    embedder, caches = None, []
    if (section := config.embedder).adapter != NONE:
        found = chosen(PortName.EMBEDDER, "embedder", section)
        name = section.name or _model_name(*found)
        embedder = Component("embedder", name, section.adapter, partial(_open, *found), WhenUnwell.RESTART)
        caches = [
            _waiting("cache", tier, partial(_open, *chosen(PortName.CACHE, f"cache[{position}]", tier)))
            for position, tier in enumerate(config.cache)
        ]
    models = [
        Component(
            "model",
            name,
            model.adapter,
            partial(_open, *chosen(PortName.LLM, f"models.{name}", model)),
            WhenUnwell(model.on_engine_death),
            after=embedder,  # `transformers` fails now and then where two threads import it at once
        )
        for name, model in config.models.items()
    ]
    components = Components(Models(models, config.default), embedder, caches=caches)
    if config.store.adapter != NONE:
        open_store = partial(_open, *chosen(PortName.STORE, "store", config.store))
        opened = partial(_open_library, _text_index(config), open_store)
        components.store = _waiting("store", config.store, opened)
    return Status(components, Requests(), adapters)


def _waiting(kind: str, section: AdapterConfig, opened: Opened) -> Component[Any]:
    return Component(kind, section.adapter, section.adapter, opened, WhenUnwell.WAIT)


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
    generation = Generation(status.models, status.requests, retrieval, grounding)
    return UseCases(status, generation, embedding, retrieval)


def _chosen(adapters: Adapters, port: PortName, where: str, section: AdapterConfig) -> Chosen:
    """Find an adapter, and check its settings and the models that these name."""
    adapter = adapters.get(port, section.adapter)
    try:
        settings = adapter.settings.model_validate(section.settings)
    except ValidationError as error:
        lines = [
            f"{where}.settings (adapter {adapter.name}): {explain(adapter.settings, e)}"
            for e in error.errors()
        ]
        if port in {PortName.EMBEDDER, PortName.STORE}:
            lines.append(f'{where}.adapter = "{NONE}" turns it off')
        raise ConfigError("\n".join(lines)) from None
    for field in _model_refs(settings):
        references.check(getattr(settings, field))
    return adapter, settings


def _model_name(adapter: Adapter[Any], settings: AdapterSettings) -> str:
    """Name what an adapter serves after the model that its settings name, or after itself."""
    if not (fields := _model_refs(settings)):
        return adapter.name
    reference: str = getattr(settings, fields[0])
    return Path(reference).name if Path(reference).expanduser().is_dir() else reference


def _model_refs(settings: AdapterSettings) -> list[str]:
    """List the settings that name a model."""
    return [
        name
        for name, field in type(settings).model_fields.items()
        if any(isinstance(mark, ResolvedByHost) for mark in field.metadata)
    ]


@asynccontextmanager
async def _open(adapter: Adapter[Any], settings: AdapterSettings) -> AsyncIterator[Any]:
    """Fetch the models that the settings name, then open the adapter."""
    folders = {field: str(await _resolved(getattr(settings, field))) for field in _model_refs(settings)}
    async with adapter.factory(settings.model_copy(update=folders)) as port:
        yield port


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


async def _resolved(reference: str) -> Path:
    """Fetch a model off the event loop; when the waiting task is cancelled, the work ends soon after."""
    cancelled = threading.Event()
    last = ""

    def progress(step: str, _done: float | None) -> None:
        nonlocal last
        if cancelled.is_set():
            msg = "nobody waits for the model any more"
            raise RuntimeError(msg)
        if step != last:
            last = step
            logger.info("model %s: %s", reference, step)

    try:
        return await asyncio.to_thread(references.resolve, reference, progress)
    finally:
        cancelled.set()
