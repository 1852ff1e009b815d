"""The names that a request may give, and the models behind each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jarvis.core.routing.model import Model
from jarvis_ports.errors import ModelNotFound


@dataclass(frozen=True)
class Route:
    """A name that stands for models; `fallback` names what is tried after all of them."""

    name: str
    models: Sequence[Model]
    fallback: str | None = None


class Routes:
    """Every model, and every route over them.

    Args:
        models: all of them, in the order of the configuration.
        routes: all of them; their fallbacks lead in no circle.
        default: the route, or model, of a request that names none.
    """

    def __init__(self, models: Sequence[Model], routes: Sequence[Route], default: str) -> None:
        self.models = tuple(models)
        self.routes = tuple(routes)
        self.default = default
        self._models: Mapping[str, Model] = {model.name: model for model in models}
        self._routes: Mapping[str, Route] = {route.name: route for route in routes}

    def get(self, name: str) -> "Destination":
        """Find what a name stands for; an empty one is the default.

        Raises:
            ModelNotFound: nothing has that name.
        """
        name = name or self.default
        groups = tuple(self._groups(name))
        if not groups:
            raise ModelNotFound(name, [*self._routes, *self._models])
        return Destination(name if name in self._routes else None, groups)

    def _groups(self, name: str | None) -> Iterator[Sequence[Model]]:
        while route := self._routes.get(name or ""):
            yield route.models
            name = route.fallback
        if model := self._models.get(name or ""):
            yield [model]


@dataclass(frozen=True)
class Destination:
    """The models of a route, then those of each fallback. `route` is None for a model that was named."""

    route: str | None
    groups: tuple[Sequence[Model], ...]

    def order(self, difficulty: int | None) -> list[Model]:
        """List the models as they should be tried, were all of them well.

        Those that take the difficulty come first, then the nearest to it; then decides priority, then load. A
        fallback comes after all that.
        """
        ordered = [sorted(group, key=lambda model: _rank(model, difficulty)) for group in self.groups]
        return list(dict.fromkeys(model for group in ordered for model in group))


def untroubled_first(models: Iterable[Model]) -> list[Model]:
    """Put those that kept failing behind the others."""
    return sorted(models, key=lambda model: model.breaker.open)


def _rank(model: Model, difficulty: int | None) -> tuple[int, int, int]:
    terms = model.terms
    off = 0
    if difficulty is not None:
        off = max(terms.difficulties.start - difficulty, difficulty - terms.difficulties.stop + 1, 0)
    return off, terms.priority, model.active
