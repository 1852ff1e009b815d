"""The servers that are sent too much, and how one sends a request to each."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Protocol

import aiohttp
import grpc

from bench.frontend.openai_server import healthy
from bench.frontend.server import grpc_serving, running
from bench.jarvis_serve import GENERATION_ALONE, command
from bench.vllm_serve import command as vllm_command
from jarvis.access import keys
from jarvis.client import JarvisClient, JarvisClientError, RetryBudget
from jarvis.core.principal import Role
from jarvis.models.catalogue import DEMO_MODEL
from jarvis.models.references import resolve
from jarvis_adapters.vllm.memory import is_cpu_build
from jarvis_adapters.vllm.settings import VLLMSettings, engine_args

TIMEOUT_SECONDS = 600
TOO_MANY = {429, 503}


class Refused(Exception):
    """The server took no request; `told_when` is whether it said when to come back."""

    def __init__(self, *, told_when: bool) -> None:
        super().__init__("refused")
        self.told_when = told_when


Send = Callable[[str, int], Awaitable[None]]
"""Sends a prompt, and waits for an answer of this many tokens. Raises Refused, or OSError if it fails."""


class Server(Protocol):
    """A server under load."""

    def caller(self, name: str, attempts: int = 1) -> AbstractAsyncContextManager[Send]:
        """Return the connection of a caller, who sends a refused request up to `attempts` times."""
        ...

    def prober(self) -> AbstractAsyncContextManager[Callable[[], Awaitable[None]]]:
        """Return a connection that asks for the server's health."""
        ...


class _Jarvis:
    def __init__(self, address: str, keys_: Mapping[str, str]) -> None:
        self._address = address
        self._keys = keys_

    @asynccontextmanager
    async def caller(self, name: str, attempts: int = 1) -> AsyncIterator[Send]:
        client = JarvisClient(
            self._address,
            token=self._keys[name],
            attempts=attempts,
            retry_budget=RetryBudget(1000),  # the attempts alone are the limit
            timeout=TIMEOUT_SECONDS,
        )

        async def send(prompt: str, tokens: int) -> None:
            try:
                await client.generate(prompt, max_tokens=tokens, ignore_eos=True)
            except JarvisClientError as error:
                if error.code is grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise Refused(told_when=error.retry_after is not None) from None
                raise OSError(str(error)) from None

        async with client:
            yield send

    @asynccontextmanager
    async def prober(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        async with JarvisClient(self._address, attempts=1) as client:

            async def ask() -> None:
                await client.health()

            yield ask


@asynccontextmanager
async def jarvis(folder: Path, callers: Sequence[str], slots: int) -> AsyncIterator[Server]:
    """Run `jarvis serve` with the demo model, a key for each caller, and a short queue.

    A sixth as many requests wait as run: those that are served then take about a sixth longer.

    Raises:
        RuntimeError: it did not start; the message has the end of its output.
    """
    file = folder / "keys.json"
    made = {caller: keys.add(file, caller, [Role.INFER], None)[1] for caller in callers}

    def line(port: int) -> list[str]:
        sets = [
            f'auth.keys="{file}"',
            "auth.open_health=true",
            f"models.demo.settings.model={DEMO_MODEL}",
            f"models.demo.settings.engine_args.max_num_seqs={slots}",
            f"models.demo.max_requests={slots + slots // 6}",
        ]
        return command(port, *sets, *GENERATION_ALONE)

    async with running(line, grpc_serving) as port:
        yield _Jarvis(f"127.0.0.1:{port}", made)


class _OpenAI:
    def __init__(self, session: aiohttp.ClientSession, url: str, model: str) -> None:
        self._session = session
        self._url = url
        self._model = model

    @asynccontextmanager
    async def caller(self, name: str, attempts: int = 1) -> AsyncIterator[Send]:  # noqa: ARG002 - it knows no callers
        async def send(prompt: str, tokens: int) -> None:
            body = {
                "model": self._model,
                "messages": [{"role": "user", "content": prompt}],
                "max_tokens": tokens,
                "ignore_eos": True,
            }
            try:
                async with self._session.post(f"{self._url}/v1/chat/completions", json=body) as response:
                    said = await response.text()
                    if response.status in TOO_MANY:
                        raise Refused(told_when="Retry-After" in response.headers)
            except (aiohttp.ClientError, TimeoutError) as error:
                raise OSError(str(error)) from None
            if response.status != 200 or json.loads(said)["usage"]["completion_tokens"] != tokens:
                raise OSError(said)

        yield send

    @asynccontextmanager
    async def prober(self) -> AsyncIterator[Callable[[], Awaitable[None]]]:
        async def ask() -> None:
            async with self._session.get(f"{self._url}/health", raise_for_status=True):
                pass

        yield ask


@asynccontextmanager
async def openai(slots: int, environment: Mapping[str, str]) -> AsyncIterator[Server]:
    """Run vLLM's own server on the same model, with the same engine arguments.

    Raises:
        RuntimeError: it did not start; the message has the end of its output.
    """
    model = str(resolve(DEMO_MODEL))
    settings = VLLMSettings(model=model, engine_args={"max_num_seqs": slots})
    given = {
        name: value for name, value in engine_args(settings, cpu=is_cpu_build()).items() if value is not None
    }
    async with (
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(TIMEOUT_SECONDS)
        ) as session,
        running(partial(vllm_command, arguments=given), partial(healthy, session), environment) as port,
    ):
        yield _OpenAI(session, f"http://127.0.0.1:{port}", model)
