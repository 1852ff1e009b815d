"""All that the server opens."""

from collections.abc import Iterable, Iterator
from typing import Any

from jarvis.core.lifecycle.component import Component
from jarvis_plugins.registry import PortName

_ORDER = list(PortName)


class Components:
    """All that the server opens, by the port that each is for; a port that is turned off has none.

    Args:
        components: in whatever order; those of one port keep theirs.
    """

    def __init__(self, components: Iterable[Component[Any]]) -> None:
        self._all = sorted(components, key=lambda component: _ORDER.index(component.port_name))

    def __iter__(self) -> Iterator[Component[Any]]:
        return iter(self._all)

    def of(self, port: PortName) -> list[Component[Any]]:
        """Return those of a port."""
        return [component for component in self if component.port_name == port]

    def one(self, port: PortName) -> Component[Any] | None:
        """Return the one of a port that has one at most, or None."""
        return next(iter(self.of(port)), None)
