"""Everything that the server opens."""

from collections.abc import Iterable, Iterator
from typing import Any

from jarvis.core.lifecycle.component import Component
from jarvis_plugins.registry import PortName

_ORDER = list(PortName)


class Components:
    """Everything that the server opens, by port; a port that is turned off has no component.

    Args:
        components: the components in any order; those of one port keep theirs.
    """

    def __init__(self, components: Iterable[Component[Any]]) -> None:
        self._all = sorted(components, key=lambda component: _ORDER.index(component.port_name))

    def __iter__(self) -> Iterator[Component[Any]]:
        return iter(self._all)

    def of(self, port: PortName) -> list[Component[Any]]:
        """Return the components of a port."""
        return [component for component in self if component.port_name == port]

    def one(self, port: PortName) -> Component[Any] | None:
        """Return the component of a port that has at most one, or None."""
        return next(iter(self.of(port)), None)
