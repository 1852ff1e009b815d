"""The configured models, by name."""

from collections.abc import Iterator

from jarvis.core.component import Component
from jarvis_ports.errors import ModelNotFound
from jarvis_ports.llm import LLM

Model = Component[LLM]


class Models:
    """The configured models, in the order of the configuration."""

    def __init__(self, models: list[Model], default: str) -> None:
        self._by_name = {model.name: model for model in models}
        self.default = default

    def __iter__(self) -> Iterator[Model]:
        return iter(self._by_name.values())

    def get(self, name: str) -> Model:
        """Find a model; an empty name is the default.

        Raises:
            ModelNotFound: no model has that name.
        """
        if model := self._by_name.get(name or self.default):
            return model
        raise ModelNotFound(name, list(self._by_name))
