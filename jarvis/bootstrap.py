"""Puts the house together: configuration, plugins, models, server."""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from itertools import count
from pathlib import Path

from pydantic import ValidationError

from jarvis import models as references
from jarvis.config import Config, ConfigError, ModelConfig
from jarvis.config.explain import explain
from jarvis.core.generation import Generation
from jarvis.core.model import Model, Models
from jarvis.core.requests import Requests
from jarvis.core.status import Status
from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import LLMAdapter
from jarvis_plugins.settings import AdapterSettings, ResolvedByHost
from jarvis_ports.llm import LLM

logger = logging.getLogger(__name__)


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
    status = build(config)
    server = Server(config.server, status, Generation(status.models, status.requests))
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
    """Make the models, none of which is started yet.

    Raises:
        ConfigError: an adapter's settings are wrong.
        UnknownAdapter: an adapter is not installed.
        DuplicateAdapter: two plugins bring one adapter.
        ModelUnavailable: a model's files are missing.
    """
    adapters = load_plugins(config.plugins.block)
    models = []
    for name, model in config.models.items():
        adapter = adapters.llm(model.adapter)
        settings = _settings(name, model, adapter)
        for field in _model_refs(settings):
            references.check(getattr(settings, field))
        restart = model.on_engine_death == "restart"
        models.append(Model(name, adapter.name, partial(_open, adapter, settings), restart=restart))
    return Status(Models(models, config.default), Requests(), adapters)


def _settings(name: str, model: ModelConfig, adapter: LLMAdapter) -> AdapterSettings:
    try:
        return adapter.settings.model_validate(model.settings)
    except ValidationError as error:
        where = f"models.{name}.settings (adapter {adapter.name})"
        raise ConfigError(
            "\n".join(f"{where}: {explain(adapter.settings, e)}" for e in error.errors())
        ) from None


def _model_refs(settings: AdapterSettings) -> list[str]:
    """List the settings that name a model."""
    return [
        name
        for name, field in type(settings).model_fields.items()
        if any(isinstance(mark, ResolvedByHost) for mark in field.metadata)
    ]


@asynccontextmanager
async def _open(adapter: LLMAdapter, settings: AdapterSettings) -> AsyncIterator[LLM]:
    """Fetch the models that the settings name, then open the adapter."""
    folders = {field: str(await _resolved(getattr(settings, field))) for field in _model_refs(settings)}
    opened: AbstractAsyncContextManager[LLM] = adapter.factory(settings.model_copy(update=folders))
    async with opened as llm:
        yield llm


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
