"""Runs `jarvis serve` in a folder of its own, with the real embedder and store, and a key for each caller."""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import psutil

from bench.frontend.server import free_port
from bench.jarvis_serve import COMMAND
from jarvis.access import keys
from jarvis.client import TLS, HealthStatus, JarvisClient, JarvisClientError
from jarvis.core.principal import Role

START_SECONDS = 400
STOP_SECONDS = 60
CALL_SECONDS = 120.0
"""Seconds after which a call counts as hung."""
ECHO = ("models.echo.adapter=echo", "models.echo.settings.tokens_per_second=100")


def program(name: str) -> str:
    """Return the path of a program.

    Raises:
        FileNotFoundError: this machine does not have it.
    """
    if not (found := shutil.which(name)):
        msg = f"the program {name} is not on this machine"
        raise FileNotFoundError(msg)
    return found


class Server:
    """A server that is run again and again on the same folder and the same address.

    Args:
        folder: where all that it keeps is, its log included.
        callers: the names of its callers, who may do everything.
        sets: arguments of `--set`, after those that every server here has.
        environment: is added to that of this process.
        tls: what its callers show, and trust; None if it has no TLS.
    """

    def __init__(
        self,
        folder: Path,
        callers: Sequence[str],
        sets: Sequence[str] = ECHO,
        environment: Mapping[str, str] | None = None,
        tls: TLS | None = None,
    ) -> None:
        self.folder = folder
        self.log = folder / "log"
        self._address = f"localhost:{free_port()}"
        self._tls = tls
        self._keys = {name: keys.add(folder / "keys.json", name, list(Role), None)[1] for name in callers}
        self._sets = [
            f'server.listen=["{self._address}"]',
            'http.listen=""',
            "server.drain_delay_seconds=0",
            f'auth.keys="{folder}/keys.json"',
            "limits.requests_per_minute=1_000_000",
            "limits.tokens_per_minute=100_000_000",
            "limits.tokens_per_day=1_000_000_000",
            f'limits.usage="{folder}/usage.sqlite"',
            f'cache=[{{adapter="diskcache", settings={{path="{folder}/cache"}}}}]',
            *sets,
        ]
        self._environment = {**os.environ, "JARVIS_DATA_DIR": str(folder / "data"), **(environment or {})}
        self._clients: list[JarvisClient] = []
        self.process: asyncio.subprocess.Process

    def client(self, name: str) -> JarvisClient:
        """Return a caller's client, which repeats nothing."""
        client = self.connect(self._tls, self._keys[name])
        self._clients.append(client)
        return client

    def connect(self, tls: TLS | None, token: str | None = None) -> JarvisClient:
        """Return a client that repeats nothing, and is to be closed by who asks for it."""
        return JarvisClient(self._address, tls=tls, token=token, attempts=1, timeout=CALL_SECONDS)

    async def start(self) -> None:
        """Start the process, as the leader of a group of processes."""
        sets = [part for pair in self._sets for part in ("--set", pair)]
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                COMMAND,
                "serve",
                *sets,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self._environment,
                start_new_session=True,
            )

    async def serving(self, service: str = "", *others: HealthStatus) -> float:
        """Wait until a service is SERVING, or has one of the other states; return the seconds that it took.

        Raises:
            RuntimeError: the process has ended; the message ends with its log.
        """
        began = time.monotonic()
        wanted = {HealthStatus.SERVING, *others}
        async with (
            asyncio.timeout(START_SECONDS),
            self.connect(self._tls) as client,
        ):
            while True:
                if self.process.returncode is not None:
                    msg = f"the server ended with code {self.process.returncode}: {self.tail()}"
                    raise RuntimeError(msg)
                try:
                    if await client.health(service) in wanted:
                        return time.monotonic() - began
                except JarvisClientError:
                    pass
                await asyncio.sleep(0.05)

    def started(self) -> list[psutil.Process]:
        """Return the processes that the server has started."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have it serve while the block runs, and end it with SIGTERM.

        Raises:
            RuntimeError: it did not serve.
        """
        await self.start()
        try:
            await self.serving()
            yield
        finally:
            while self._clients:
                await self._clients.pop().close()
            await self.stop()

    async def stop(self) -> None:
        """End it with SIGTERM; kill it and what it has started if that is not enough."""
        started = self.started()
        if self.process.returncode is None:
            self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), STOP_SECONDS)
            except TimeoutError:
                self.process.kill()
                await self.process.wait()
        for process in started:
            if process.is_running():
                process.kill()

    def said(self, words: str) -> int:
        """Return how often its log has some words."""
        return self.log.read_text(errors="replace").count(words)

    def tail(self) -> str:
        """Return the end of the log."""
        return self.log.read_text(errors="replace")[-3000:]
