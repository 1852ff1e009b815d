"""Finds the installed plugins and loads each on its own, so that a broken one harms no other."""

from collections.abc import Collection
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, distributions
from typing import Any

import pluggy

from jarvis_plugins import spec
from jarvis_plugins.registry import (
    Adapter,
    DuplicateAdapter,
    Origin,
    PluginRegistry,
    PortName,
    UnknownAdapter,
)
from jarvis_ports.values import AdapterInfo, AdapterState


@dataclass(frozen=True)
class Unloaded:
    """A plugin that brought no adapter, and why."""

    origin: Origin
    state: AdapterState
    message: str


@dataclass
class Adapters:
    """The adapters of all plugins that loaded, and the plugins that did not."""

    loaded: dict[tuple[PortName, str], Adapter[Any]] = field(default_factory=dict)
    unloaded: list[Unloaded] = field(default_factory=list)

    def get(self, port: PortName, name: str) -> Adapter[Any]:
        """Return an adapter by its port and its name.

        Raises:
            UnknownAdapter: there is none; the message says what is installed, and what did not load and why.
        """
        if adapter := self.loaded.get((port, name)):
            return adapter
        installed = ", ".join(sorted(name for kind, name in self.loaded if kind == port)) or "none"
        broken = "".join(f"; {u.origin} did not load ({u.state}): {u.message}" for u in self.unloaded)
        msg = f"no {port} adapter {name!r} is installed; installed: {installed}{broken}"
        raise UnknownAdapter(msg)

    def listed(self) -> tuple[AdapterInfo, ...]:
        """Return all adapters by port and name, then the plugins that brought none."""
        loaded = (
            AdapterInfo(
                one.port,
                one.name,
                one.origin.distribution,
                one.origin.version,
                AdapterState.FAILED if (missing := _missing(one)) else AdapterState.AVAILABLE,
                missing,
            )
            for _, one in sorted(self.loaded.items())
        )
        unloaded = (
            AdapterInfo(
                "", one.origin.plugin, one.origin.distribution, one.origin.version, one.state, one.message
            )
            for one in self.unloaded
        )
        return (*loaded, *unloaded)


def load_plugins(block: Collection[str] = ()) -> Adapters:
    """Load every installed plugin except those whose entry point or distribution is in `block`.

    Raises:
        DuplicateAdapter: two plugins bring an adapter of the same name.
    """
    adapters = Adapters()
    for entry in sorted(_entry_points(), key=lambda e: (e.group, e.name)):
        origin = _origin(entry)
        if entry.group != spec.API:
            message = f"it is for {entry.group}, and this host speaks {spec.API}"
            adapters.unloaded.append(Unloaded(origin, AdapterState.INCOMPATIBLE, message))
        elif {origin.plugin, origin.distribution} & set(block):
            message = "blocked by the configuration"
            adapters.unloaded.append(Unloaded(origin, AdapterState.BLOCKED, message))
        else:
            try:
                registry = _load(entry, origin)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it raises is its own failure
                message = f"{type(error).__name__}: {error}"
                adapters.unloaded.append(Unloaded(origin, AdapterState.FAILED, message))
            else:
                _add(adapters, registry)
    return adapters


def _missing(adapter: Adapter[Any]) -> str:
    try:
        return adapter.settings.missing()
    except Exception as error:  # noqa: BLE001 - as above
        return f"{type(error).__name__}: {error}"


def _entry_points() -> list[EntryPoint]:
    """Return the entry points for any version of this API; the first copy of a distribution counts."""
    found: dict[str, list[EntryPoint]] = {}
    for distribution in distributions():  # in the order of the path, which is that of imports
        if entries := [entry for entry in distribution.entry_points if entry.group.startswith("jarvis.v")]:
            found.setdefault(distribution.name, entries)
    return [entry for entries in found.values() for entry in entries]


def _origin(entry: EntryPoint) -> Origin:
    dist = entry.dist
    return Origin(entry.name, dist.name if dist else "unknown", dist.version if dist else "unknown")


def _load(entry: EntryPoint, origin: Origin) -> PluginRegistry:
    manager = pluggy.PluginManager(spec.API)
    manager.add_hookspecs(spec)
    manager.register(entry.load(), name=origin.plugin)
    manager.check_pending()
    registry = PluginRegistry(origin)
    manager.hook.jarvis_register_adapters(registry=registry)
    if not registry.adapters:
        msg = "it registers no adapter; is its hook named jarvis_register_adapters and marked @hookimpl?"
        raise ValueError(msg)
    return registry


def _add(adapters: Adapters, registry: PluginRegistry) -> None:
    for key, adapter in registry.adapters.items():
        if taken := adapters.loaded.get(key):
            msg = (
                f"{adapter.port} {adapter.name!r} is brought by {taken.origin} and by {adapter.origin}; "
                "uninstall or block one"
            )
            raise DuplicateAdapter(msg)
        adapters.loaded[key] = adapter
