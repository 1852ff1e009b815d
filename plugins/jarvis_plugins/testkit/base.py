"""The base of the tests for every port."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
import pytest_asyncio
from pydantic import ValidationError

from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import Adapter, PortName
from jarvis_plugins.settings import AdapterSettings, ResolvedByHost


class AdapterConformance:
    """Opens the adapter once for the class, in the event loop of the class."""

    port: ClassVar[PortName]
    adapter: ClassVar[str]
    """The adapter's name in the configuration."""
    settings: ClassVar[dict[str, Any]] = {}
    """The adapter's settings, as in the configuration, except that a model is a folder."""

    @pytest.fixture(scope="class")
    @classmethod
    def registered(cls) -> Adapter[Any]:
        return load_plugins().get(cls.port, cls.adapter)

    @pytest.fixture(scope="class")
    @classmethod
    def valid_settings(cls, registered: Adapter[Any]) -> AdapterSettings:
        settings = registered.settings.model_validate(cls.settings)
        for name, field in registered.settings.model_fields.items():
            if any(isinstance(mark, ResolvedByHost) for mark in field.metadata):
                folder = getattr(settings, name)
                assert Path(folder).is_dir(), f"the setting {name} is {folder!r}, and must be a folder here"
        return settings

    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def opened(cls, registered: Adapter[Any], valid_settings: AdapterSettings) -> AsyncIterator[Any]:
        async with registered.factory(valid_settings) as adapter:
            yield adapter

    async def test_refuses_settings_that_it_does_not_know(self, registered: Adapter[Any]) -> None:
        assert issubclass(registered.settings, AdapterSettings)
        with pytest.raises(ValidationError, match="no_such_setting"):
            registered.settings.model_validate({**self.settings, "no_such_setting": 1})
