"""The names that a request may give, and the models behind each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jarvis.core.routing.model import Model
from jarvis_ports.errors import ModelNotFound


@dataclass(frozen=True)
class Route:
    """A name that stands for models; `fallback` names the route or model to try after all of them."""

    name: str
    models: Sequence[Model]
    fallback: str | None = None


class Routes:
    """Every model, and every route over them.

    Args:
        models: the configured models, in their order there.
        routes: all routes; their fallbacks do not form a cycle.
        default: the route or model of a request that names none.

    Attributes:
        models: all models.
    """

    def __init__(self, models: Sequence[Model], routes: Sequence[Route], default: str) -> None:
        self.models: tuple[Model, ...] = ()
        self._models: Mapping[str, Model] = {}
        self._become(models)
        self.routes = tuple(routes)
        self.default = default
        self._routes: Mapping[str, Route] = {route.name: route for route in routes}

    def __contains__(self, name: str) -> bool:
        return name in self._routes or name in self._models

    def add(self, model: Model) -> None:
        """Have requests find a model by its name."""
        self._become((*self.models, model))

    def remove(self, model: Model) -> None:
        """Have no further request find a model; no route has it."""
        self._become([one for one in self.models if one is not model])

    def _become(self, models: Sequence[Model]) -> None:
        self.models = tuple(models)
        self._models = {model.name: model for model in models}

    def get(self, name: str) -> "Destination":
        """Return what a name stands for; an empty name means the default.

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
        """Return the models in the order in which they should be tried, were all of them well.

        Those that take the difficulty come first, then those nearest to it. Ties are decided by priority, and
        then by load. The models of a fallback come after all of these.
        """
        ordered = [sorted(group, key=lambda model: _rank(model, difficulty)) for group in self.groups]
        return list(dict.fromkeys(model for group in ordered for model in group))


def untroubled_first(models: Iterable[Model]) -> list[Model]:
    """Return the models, those that kept failing behind the others."""
    return sorted(models, key=lambda model: model.breaker.open)


def first_loaded(models: Iterable[Model]) -> Model | None:
    """Return the first of the models that is loaded, or None if none is."""
    return next((model for model in models if model.loaded), None)


def _rank(model: Model, difficulty: int | None) -> tuple[int, int, int]:
    terms = model.terms
    off = 0
    if difficulty is not None:
        off = max(terms.difficulties.start - difficulty, difficulty - terms.difficulties.stop + 1, 0)
    return off, terms.priority, model.active
