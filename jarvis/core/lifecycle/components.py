"""Everything that the server opens."""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any

from jarvis.core.lifecycle.component import Component
from jarvis_plugins.registry import PortName

_ORDER = list(PortName)


class Components:
    """Everything that the server opens, by port; a port that is turned off has no component.

    Args:
        components: the components in any order; those of one port keep theirs.

    Attributes:
        changed: set when the state of one changes, or there is another one, or one less.
    """

    def __init__(self, components: Iterable[Component[Any]]) -> None:
        self.changed = asyncio.Event()
        self._all: list[Component[Any]] = []
        self.add(*components)

    def add(self, *components: Component[Any]) -> None:
        """Add components."""
        for component in components:
            component.changed = self.changed
        together = [*self._all, *components]
        self._all = sorted(together, key=lambda component: _ORDER.index(component.port_name))
        self.changed.set()

    def remove(self, component: Component[Any]) -> None:
        """Remove a component."""
        self._all = [one for one in self._all if one is not component]
        self.changed.set()

    def __iter__(self) -> Iterator[Component[Any]]:
        return iter(self._all)

    def of(self, port: PortName) -> list[Component[Any]]:
        """Return the components of a port."""
        return [component for component in self if component.port_name == port]

    def one(self, port: PortName) -> Component[Any] | None:
        """Return the component of a port that has at most one, or None."""
        return next(iter(self.of(port)), None)
