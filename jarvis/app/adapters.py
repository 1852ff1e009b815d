"""Configures adapters, which are checked at once and opened later."""

import asyncio
import logging
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from jarvis import models as references
from jarvis.app.config import NONE, AdapterConfig, ConfigError
from jarvis.app.config.explain import explain
from jarvis_plugins.loader import Adapters
from jarvis_plugins.registry import Adapter, PortName, UnknownAdapter
from jarvis_plugins.settings import AdapterSettings, MemoryDemand, ResolvedByHost
from jarvis_ports.errors import CannotReload, ModelUnavailable

logger = logging.getLogger(__name__)

CAN_BE_OFF = {
    *(PortName.EMBEDDER, PortName.RERANKER, PortName.STORE, PortName.ESTIMATOR, PortName.TELEMETRY),
}
"""The ports for which `none` can be configured."""
PLUGINS = {(PortName.ESTIMATOR, "heuristic"): "jarvis-difficulty"}
"""The distribution of each default adapter that is not built in."""


@dataclass(frozen=True)
class ConfiguredAdapter:
    """An adapter, and the settings that it is opened with."""

    adapter: Adapter[Any]
    settings: AdapterSettings

    @property
    def model_name(self) -> str:
        """The name of what it serves: that of the model in its settings, or else the adapter's own."""
        if not (fields := self._model_refs):
            return self.adapter.name
        reference: str = getattr(self.settings, fields[0])
        return Path(reference).name if Path(reference).expanduser().is_dir() else reference

    @property
    def memory_demand(self) -> MemoryDemand | None:
        """How much of a memory it will take; less is known about a model that is not here yet."""
        found = {field: references.local(getattr(self.settings, field)) for field in self._model_refs}
        folders = {field: str(folder) for field, folder in found.items() if folder}
        return self.settings.model_copy(update=folders).memory_demand()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Any]:
        """Fetch the models that the settings name, then open the adapter."""
        folders = {field: str(await _resolved(getattr(self.settings, field))) for field in self._model_refs}
        async with self.adapter.factory(self.settings.model_copy(update=folders)) as port:
            yield port

    @property
    def _model_refs(self) -> list[str]:
        """The names of the settings that name a model."""
        return [
            name
            for name, field in type(self.settings).model_fields.items()
            if any(isinstance(mark, ResolvedByHost) for mark in field.metadata)
        ]


def configure_adapter(
    adapters: Adapters, port: PortName, where: str, section: AdapterConfig
) -> ConfiguredAdapter:
    """Check an adapter's settings and the models that these name, and return the configured adapter.

    Raises:
        ConfigError: its settings are wrong.
        UnknownAdapter: it is not installed.
        ModelUnavailable: a model's files are missing.
    """
    adapter = _installed(adapters, port, where, section.adapter)
    try:
        settings = adapter.settings.model_validate(section.settings)
    except ValidationError as error:
        lines = [
            f"{where}.settings (adapter {adapter.name}): {explain(adapter.settings, e)}"
            for e in error.errors()
        ]
        if port in CAN_BE_OFF:
            lines.append(f'{where}.adapter = "{NONE}" turns it off')
        raise ConfigError("\n".join(lines)) from None
    configured = ConfiguredAdapter(adapter, settings)
    for field in configured._model_refs:
        try:
            references.check(getattr(settings, field))
        except ModelUnavailable as error:
            raise ModelUnavailable(f"{where}.settings.{field}: {error}") from None
    return configured


def _installed(adapters: Adapters, port: PortName, where: str, name: str) -> Adapter[Any]:
    """Return an adapter; the error names the key, and for a default one says what to do."""
    try:
        return adapters.get(port, name)
    except UnknownAdapter as unknown:
        lines = [f"{where}.adapter: {unknown}"]
        if distribution := PLUGINS.get((port, name)):
            if all(plugin.origin.distribution != distribution for plugin in adapters.unloaded):
                lines.append(f"pip install ./plugins/{distribution} in a clone of the repository brings it")
            lines.append(f'{where}.adapter = "{NONE}" turns it off')
        raise UnknownAdapter("\n".join(lines)) from None


def check_memory(models: Mapping[str, ConfiguredAdapter]) -> None:
    """Check that several models fit into memory together; one that does not fit alone says so when it starts.

    Raises:
        ConfigError: they do not fit; the text says what each of them asks for.
    """
    demands: defaultdict[str, dict[str, MemoryDemand]] = defaultdict(dict)
    for name, adapter in models.items():
        if demand := adapter.memory_demand:
            demands[demand.memory][name] = demand
    for memory, each in demands.items():
        total = sum(demand.share for demand in each.values())
        if len(each) > 1 and total > 1:
            lines = [f"models: together they ask for {total:.0%} of {memory}; ask for less, or leave one out"]
            lines += [f"models.{name}: {demand.share:.0%}: {demand.detail}" for name, demand in each.items()]
            raise ConfigError("\n".join(lines))


def check_room(models: Mapping[str, ConfiguredAdapter], name: str) -> None:
    """Check that a model fits into memory a second time, beside all that are there.

    One that is in the engine of another needs none of its own.

    Raises:
        CannotReload: it does not; the text says what each of them asks for.
    """
    again = {f"{name}, again": models[name]} if name in models else {}
    try:
        check_memory({**again, **models})
    except ConfigError as error:
        why = str(error).replace("\n", "; ")
        raise CannotReload(
            f"model {name!r} cannot be open twice while it is reloaded: restart the server instead; {why}"
        ) from None


async def _resolved(reference: str) -> Path:
    """Fetch a model in a thread, which stops soon after the waiting task is cancelled."""
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
