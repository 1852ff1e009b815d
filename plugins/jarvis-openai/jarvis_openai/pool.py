"""Several servers of one model: each request goes to the one that works on the fewest."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from typing import Any

from jarvis_openai.endpoint import Endpoint
from jarvis_openai.errors import ELSEWHERE
from jarvis_openai.settings import ServerSettings
from jarvis_ports.errors import EngineDead, EngineStartFailed, JarvisError, Overloaded
from jarvis_ports.health import Health


class Pool:
    """The servers, which are watched while `watched` is open.

    Args:
        endpoints: the servers.
    """

    def __init__(self, endpoints: list[Endpoint]) -> None:
        self.endpoints = endpoints
        self._turns = count(1)

    def choices(self) -> Iterator[Endpoint]:
        """Yield the servers that are well, each once; every time the least loaded of those that are left.

        Of those that work on as many requests, the one whose turn is the longest ago comes first.
        """
        left = set(self.endpoints)
        while well := [one for one in left if not one.down]:
            chosen = min(well, key=lambda one: (one.running, one.turn))
            chosen.turn = next(self._turns)
            left.remove(chosen)
            yield chosen

    async def call(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Return what the first server that can answers to a POST.

        Raises:
            Refused: the request is invalid.
            EngineDead, EngineFailure, Overloaded: of the servers that could not; see `worst`.
        """
        failures: list[JarvisError] = []
        for endpoint in self.choices():
            try:
                return await endpoint.call(path, body)
            except ELSEWHERE as error:
                failures.append(error)
        raise self.worst(failures)

    def worst(self, failures: list[JarvisError]) -> JarvisError:
        """Return what to raise where no server could answer: that one is overloaded, or the last error."""
        if not failures:
            return EngineDead(f"no server is well: {self.health().message}")
        return next((one for one in failures if isinstance(one, Overloaded)), failures[-1])

    def health(self) -> Health:
        """Return whether a server is well; the message names those that are not."""
        down = [f"{one.url} {one.down}" for one in self.endpoints if one.down]
        return Health(ok=len(down) < len(self.endpoints), message="; ".join(down))


@asynccontextmanager
async def watched(settings: ServerSettings) -> AsyncIterator[Pool]:
    """Ask all servers once, and watch them while the block runs.

    Raises:
        EngineStartFailed: none of them is well, or the file of the key cannot be read.
    """
    async with AsyncExitStack() as stack:
        endpoints = []
        for url in settings.base_urls:
            endpoints.append(Endpoint(url, settings))
            stack.push_async_callback(endpoints[-1].close)
        pool = Pool(endpoints)
        await asyncio.gather(*(one.check() for one in endpoints))
        if not pool.health().ok:
            msg = f"{pool.health().message}; start a server there, or correct base_urls"
            raise EngineStartFailed(msg)
        watching = [asyncio.create_task(one.watch()) for one in endpoints]
        try:
            yield pool
        finally:
            for task in watching:
                task.cancel()
            await asyncio.gather(*watching, return_exceptions=True)
