"""One server: its client, its health, and what it works on."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any, TypeVar

import httpx2
import openai
from openai import AsyncOpenAI, AsyncStream

from jarvis_openai.errors import translated
from jarvis_openai.settings import ServerSettings
from jarvis_ports.errors import EngineDead, EngineFailure, Overloaded

logger = logging.getLogger(__name__)
T = TypeVar("T")

KEPT_SECONDS = 2.0
"""How long a connection that is not used is kept; vLLM's front end in Python closes it after 5."""


class Endpoint:
    """A server that is watched.

    Attributes:
        url: its base URL.
        running: how many of our requests it works on.
        turn: when it last got a request, by a count of them.
        down: why it gets no requests; empty while it is well.
    """

    def __init__(self, url: str, settings: ServerSettings) -> None:
        self.url = url
        self.running = self.turn = 0
        self.down = "has not been asked yet"
        self._root = url.removesuffix("/v1")
        self._health = f"{self._root}/health"
        self._settings = settings
        self._alive = 0.0
        self._waiting: set[asyncio.Timeout] = set()
        self._suspected = asyncio.Event()

        async def key() -> str:
            return settings.key()

        self._client = AsyncOpenAI(
            base_url=url,
            api_key=key,
            max_retries=0,
            timeout=openai.Timeout(None, connect=settings.connect_seconds),
            http_client=openai.DefaultAsyncHttpxClient(limits=httpx2.Limits(keepalive_expiry=KEPT_SECONDS)),
        )
        # The client takes all three from the environment as well.
        left_out = ["OpenAI-Organization", "OpenAI-Project", *([] if settings.has_key else ["Authorization"])]
        self._headers = dict.fromkeys(left_out, openai.Omit())

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()

    async def models(self) -> list[dict[str, Any]]:
        """Return what the server tells of its models; raise what `call` raises."""
        with self._errors():
            listed: Any = await self._wait(self._get("/models"))
            return list(listed["data"])

    async def call(self, path: str, body: Mapping[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Return what the server answers to a POST.

        Raises:
            Refused: the request is invalid.
            EngineDead: the server cannot be reached, or hangs.
            EngineFailure: it failed.
            Overloaded: it says so.
        """
        with self._works(), self._errors():
            options: Any = {"headers": self._headers}
            return await self._wait(
                self._client.post(self._at(path), cast_to=object, body=body, options=options)
            )

    async def stream(
        self, path: str, body: Mapping[str, Any], headers: Mapping[str, str] = MappingProxyType({})
    ) -> AsyncGenerator[dict[str, Any], None]:
        """Yield the parts of an answer; closing this closes the connection. Raise what `call` raises."""
        with self._works(), self._errors():
            options: Any = {"headers": {**headers, **self._headers}}
            parts = await self._wait(
                self._client.post(
                    self._at(path),
                    cast_to=object,
                    body=body,
                    options=options,
                    stream=True,
                    stream_cls=AsyncStream[object],
                )
            )
            try:
                while True:
                    try:
                        part: Any = await self._wait(anext(parts))
                    except StopAsyncIteration:
                        return
                    yield part
            finally:
                await parts.close()

    async def watch(self) -> None:
        """Check the server's health for ever: at times, and when a request could not reach it."""
        while True:
            await self.check()
            self._suspected.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.health_seconds):
                    await self._suspected.wait()

    async def check(self) -> None:
        """Ask the server whether it is well."""
        hang = self._settings.hang_seconds
        try:
            async with asyncio.timeout(hang):
                await self._ask()
        except TimeoutError:
            if self._now() - self._alive >= hang:
                self._lost(f"has shown no sign of life for {hang:g} s")
        except (EngineDead, EngineFailure) as error:
            self._lost(str(error).removeprefix(f"{self.url} "))
        except Overloaded:
            self._alive = self._now()
        else:
            self._alive = self._now()
            if self.down:
                self.down = ""
                logger.info("%s is well", self.url)

    async def _ask(self) -> None:
        with translated(self.url):
            try:
                await self._get(self._health)
            except openai.APIStatusError as error:
                if error.status_code not in {404, 405} or self._health == "/models":
                    raise
                self._health = "/models"  # which every server has
                await self._get(self._health)

    async def _get(self, url: str) -> Any:  # noqa: ANN401 - JSON
        options: Any = {"headers": self._headers}
        return await self._client.get(url, cast_to=object, options=options)

    def _lost(self, why: str) -> None:
        if not self.down:
            logger.warning("%s %s; it gets no requests until it is well", self.url, why)
        self.down = why
        for scope in self._waiting:
            if not scope.expired():
                scope.reschedule(self._now())

    async def _wait(self, part: Awaitable[T]) -> T:
        """Wait for a part of an answer.

        Raises:
            EngineDead: it takes too long, or the server was lost meanwhile.
        """
        limit = self._settings.answer_seconds
        try:
            async with asyncio.timeout(limit) as scope:
                self._waiting.add(scope)
                try:
                    found = await part
                finally:
                    self._waiting.discard(scope)
        except TimeoutError:
            raise EngineDead(f"{self.url} {self.down or f'has sent nothing for {limit:g} s'}") from None
        self._alive = self._now()
        return found

    @contextmanager
    def _works(self) -> Iterator[None]:
        self.running += 1
        try:
            yield
        finally:
            self.running -= 1

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            with translated(self.url):
                yield
        except EngineDead:
            self._suspected.set()
            raise

    def _at(self, path: str) -> str:
        """Return where a path is: those of vLLM's own are not below /v1."""
        return f"{self._root}{path}" if path in {"/tokenize", "/detokenize"} else path

    @staticmethod
    def _now() -> float:
        return asyncio.get_running_loop().time()
