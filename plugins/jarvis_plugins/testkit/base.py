"""The base of the tests for every port."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

import pytest
import pytest_asyncio
from pydantic import ValidationError

from jarvis_plugins.loader import load_plugins
from jarvis_plugins.registry import Adapter, PortName
from jarvis_plugins.settings import AdapterSettings, ResolvedByHost
from jarvis_plugins.testkit.watch import AFTER_A_CASE, AFTER_CLOSING, Stalls, held, left

AT_ONCE = 1.0
"""Seconds within which what is said "at once" is said."""
STANDSTILL = 2.0
"""The most seconds that the event loop may stand still in any case."""
CALLS = 100
"""The number of calls that must leave nothing behind; more than a case may leave of anything."""


class AdapterConformance:
    """Opens the adapter once for the class, in the event loop of the class, and watches every case.

    A case fails, as an error of its teardown, if it leaves tasks, threads, descriptors or processes behind,
    if the event loop stood still, or if an error was left to the loop. The last one fails as well if the
    adapter leaves any of these when it is closed. A case that hangs is ended by pytest-timeout, where the
    option `timeout` is set.
    """

    port: ClassVar[PortName]
    adapter: ClassVar[str]
    """The adapter's name in the configuration."""
    settings: ClassVar[dict[str, Any]] = {}
    """The adapter's settings, as in the configuration, except that a model is a folder."""

    to_settle: ClassVar[float] = 5.0
    """Seconds after which what a case has left behind, or the adapter when it is closed, counts as left."""

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
        before = held()
        async with registered.factory(valid_settings) as adapter:
            yield adapter
        found = await left(before, AFTER_CLOSING, cls.to_settle)
        assert not found, f"it is closed, and has left {found}"

    @pytest.fixture
    def own_settings(self) -> dict[str, Any]:
        """Return the settings of instances that a case opens beside the one of the class.

        Override this fixture where two instances with the same settings cannot be open at a time.
        """
        return self.settings

    @pytest.fixture
    def _opened_before(self, request: pytest.FixtureRequest) -> None:
        """Open the adapter after the class's own fixtures, which may set `settings`, whatever their names."""
        request.getfixturevalue("opened")

    @pytest_asyncio.fixture(loop_scope="class", autouse=True)
    async def _watched(self, _opened_before: None) -> AsyncIterator[None]:
        loop, unhandled = asyncio.get_running_loop(), list[str]()
        loop.set_exception_handler(lambda _, context: unhandled.append(str(context)))
        before = held()
        async with Stalls() as stalls:
            yield
        found = await left(before, AFTER_A_CASE, self.to_settle)
        loop.set_exception_handler(None)
        assert not found, f"the case has left {found}"
        assert not unhandled, f"the event loop was told of what nobody has handled: {unhandled}"
        assert stalls.longest < STANDSTILL, f"the event loop stood still for {stalls.longest:.1f} seconds"

    async def use(self, adapter: Any) -> None:  # noqa: ANN401
        """Make one usual call."""
        raise NotImplementedError

    async def test_refuses_settings_that_it_does_not_know(self, registered: Adapter[Any]) -> None:
        assert issubclass(registered.settings, AdapterSettings)
        with pytest.raises(ValidationError, match="no_such_setting"):
            registered.settings.model_validate({**self.settings, "no_such_setting": 1})

    async def test_health_is_told_at_once(self, opened: Any) -> None:  # noqa: ANN401
        for _ in range(3):  # as the machine may be busy
            with suppress(TimeoutError):
                await asyncio.wait_for(opened.health(), AT_ONCE)
                return
        pytest.fail(f"health() takes more than {AT_ONCE} seconds")

    async def test_many_calls_leave_nothing_behind(self, opened: Any) -> None:  # noqa: ANN401
        for _ in range(CALLS // 5):
            await asyncio.gather(*(self.use(opened) for _ in range(5)))

    async def test_the_event_loop_runs_on_while_it_works(self, opened: Any) -> None:  # noqa: ANN401
        shares = []
        for _ in range(3):  # as the machine may be busy
            async with Stalls() as stalls:
                await asyncio.gather(*(self.use(opened) for _ in range(16)))
            shares.append(stalls.share)
        assert min(shares) < 0.5, f"it stands still for more than half of the time: {shares}"
