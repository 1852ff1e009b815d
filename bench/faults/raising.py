"""A plugin whose adapters raise in one method of their port, which a file names at any time.

They are the stand-ins `echo`, `hashing` and the memory's, with that in front. `bench.faults.plugins` installs
it, for its server alone.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from pydantic import Field

from jarvis_adapters.echo.adapter import EchoSettings, open_echo
from jarvis_adapters.hashing.adapter import HashingSettings, open_hashing
from jarvis_adapters.memory_cache import MemoryCacheSettings, open_memory_cache
from jarvis_adapters.memory_store import MemoryStoreSettings, open_memory_store
from jarvis_plugins import AdapterSettings, Registry, hookimpl

NAME = "raising"


class RaisingSettings(AdapterSettings):
    """Where it reads what to raise."""

    method: Path = Field(
        description="The file that names a method of the port; nothing raises while it is empty."
    )


class _Raising:
    """Passes everything on to a port, but for the method that raises."""

    def __init__(self, port: object, method: Path) -> None:
        self._port = port
        self._method = method

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the port has
        found = getattr(self._port, name)
        return _raise if name == self._method.read_text() else found


def _raise(*_: object, **__: object) -> None:
    raise RuntimeError("the plugin is broken")


def _opener(
    opened: Callable[[Any], AbstractAsyncContextManager[Any]], settings: type[AdapterSettings]
) -> Callable[[RaisingSettings], AbstractAsyncContextManager[Any]]:
    @asynccontextmanager
    async def open_raising(given: RaisingSettings) -> AsyncIterator[Any]:
        async with opened(settings()) as port:
            yield _Raising(port, given.method)

    return open_raising


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register an adapter named `raising` for each of four ports."""
    registry.llm(NAME, settings=RaisingSettings, factory=_opener(open_echo, EchoSettings))
    registry.embedder(NAME, settings=RaisingSettings, factory=_opener(open_hashing, HashingSettings))
    registry.store(NAME, settings=RaisingSettings, factory=_opener(open_memory_store, MemoryStoreSettings))
    registry.cache(NAME, settings=RaisingSettings, factory=_opener(open_memory_cache, MemoryCacheSettings))
