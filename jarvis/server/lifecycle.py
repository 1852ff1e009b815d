"""The life of the server: listen, load, serve, drain, stop."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import psutil
from grpc_health.v1 import health_pb2_grpc

from jarvis.address import CannotListen
from jarvis.config import Config
from jarvis.core.gauges import Gauges
from jarvis.core.use_cases import UseCases
from jarvis.server.embedding import EmbeddingServicer
from jarvis.server.generation import GenerationServicer
from jarvis.server.health import HealthServicer
from jarvis.server.http import side_port
from jarvis.server.interceptor import CallInterceptor
from jarvis.server.listen import problem
from jarvis.server.options import server_options
from jarvis.server.reflection import add_reflection
from jarvis.server.retrieval import RetrievalServicer
from jarvis.server.service import ServerServicer
from jarvis.v1 import embedding_pb2_grpc, generation_pb2_grpc, retrieval_pb2_grpc, server_pb2_grpc
from jarvis.wire import PACKAGE
from jarvis_ports.errors import JarvisError
from jarvis_ports.values import State

logger = logging.getLogger(__name__)

SERVER_SERVICE = f"{PACKAGE}.ServerService"
FLUSH_SECONDS = 5
"""How long the caches may take, at the end, to write what they were given."""
CLOSE_SECONDS = 20.0
"""How long what is open may take to close, before its processes are killed."""


class Server:
    """A gRPC server over the use cases, and a small HTTP one for those who operate it.

    Args:
        config: addresses, limits and drain times, and whether texts are logged.
        use_cases: what it serves.

    Attributes:
        addresses: where it listens, once it does.
        http_address: where its HTTP server does; None where there is none.
    """

    def __init__(self, config: Config, use_cases: UseCases) -> None:
        self._config = config.server
        self._http = config.http.listen
        self._status = status = use_cases.status
        self._flush = use_cases.embedding.flush
        self._stop = asyncio.Event()
        self.addresses: list[str] = []
        self.http_address: str | None = None
        Gauges(use_cases).register()
        services = [f"{PACKAGE}.{service}" for service in status.serving]
        models = [_of_model(model.name) for model in status.routes.models]
        self._health = HealthServicer([*services, *models, SERVER_SERVICE])
        self._server = grpc.aio.server(
            interceptors=[CallInterceptor(status.instruments, self._config.max_message_bytes)],
            options=server_options(self._config.max_message_bytes),
        )
        generation_pb2_grpc.add_GenerationServiceServicer_to_server(
            GenerationServicer(
                use_cases.generation,
                status.requests,
                self._config.max_message_bytes,
                log_text=config.log.text,
            ),
            self._server,
        )
        embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server(
            EmbeddingServicer(use_cases.embedding, status.requests, self._config.max_message_bytes),
            self._server,
        )
        retrieval_pb2_grpc.add_RetrievalServiceServicer_to_server(
            RetrievalServicer(use_cases.retrieval, status.requests, self._config.max_message_bytes),
            self._server,
        )
        server_pb2_grpc.add_ServerServiceServicer_to_server(ServerServicer(status), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        add_reflection([*services, SERVER_SERVICE, "grpc.health.v1.Health"], self._server)

    def stop(self) -> None:
        """Drain, then stop."""
        self._stop.set()

    async def run(self) -> int:
        """Serve until stopped, or until a component fails for good; return the exit code.

        Raises:
            CannotListen: an address is taken, or cannot be opened.
        """
        async with self._side_port(), self._listening():
            components = [asyncio.create_task(component.run()) for component in self._status.all]
            told = asyncio.create_task(self._tell_health())
            stop = asyncio.create_task(self._stop.wait())
            try:
                done, _ = await asyncio.wait([stop, *components], return_when=asyncio.FIRST_COMPLETED)
                failed = [task for task in done if task is not stop]
                if not failed:
                    await self._drain()
                for task in failed:
                    error = task.exception()
                    known = isinstance(error, JarvisError)
                    logger.error("%s", error, exc_info=None if known else error)
                return 1 if failed else 0
            finally:
                self._status.requests.draining = True
                await self._health.enter_graceful_shutdown()
                await self._status.requests.close(within=0)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._flush(), FLUSH_SECONDS)
                tasks = [stop, told, *components]
                for task in tasks:
                    task.cancel()
                if (await asyncio.wait(tasks, timeout=CLOSE_SECONDS))[1]:
                    logger.warning("not everything was closed in %g s; the rest is killed", CLOSE_SECONDS)

    async def _tell_health(self) -> None:
        """Follow the states of what is opened."""
        while True:
            serving = {f"{PACKAGE}.{service}": ready for service, ready in self._status.serving.items()}
            everything = all(serving.values())
            models = {
                _of_model(model.name): model.state is State.READY for model in self._status.routes.models
            }
            await self._health.become({**serving, **models, "": everything, SERVER_SERVICE: everything})
            await self._status.change()

    async def _drain(self) -> None:
        """Let the probes see it, then take no new calls, then let the running ones finish."""
        requests, config = self._status.requests, self._config
        requests.draining = True
        await self._health.enter_graceful_shutdown()
        logger.info(
            "stopping: new calls are refused in %gs, running ones have %gs more",
            config.drain_delay_seconds,
            config.drain_timeout_seconds,
        )
        await asyncio.sleep(config.drain_delay_seconds)
        if left := await requests.close(config.drain_timeout_seconds):
            logger.warning("%d calls did not finish in time and were ended", left)

    @asynccontextmanager
    async def _side_port(self) -> AsyncIterator[None]:
        if not self._http:
            yield
            return
        exposition, health = self._status.instruments.exposition, self._health
        async with side_port(self._http, self._status, lambda: health.ready, exposition) as address:
            self.http_address = address
            logger.info("/metrics, /health and /ready are on http://%s", address)
            yield

    @asynccontextmanager
    async def _listening(self) -> AsyncIterator[None]:
        for address in self._config.listen:
            why, port = problem(address), 0
            with suppress(RuntimeError):
                port = 0 if why else self._server.add_insecure_port(address)
            if not port:
                msg = f"cannot listen on {address}: {why or 'gRPC cannot open it'}; see server.listen"
                raise CannotListen(msg)
            shown = address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"
            self.addresses.append(shown)
            logger.info("listening on %s", shown)
        await self._health.become({})
        await self._server.start()
        try:
            yield
        finally:
            await self._server.stop(grace=1)
            kill_children()
            logger.info("stopped")


def _of_model(name: str) -> str:
    """Name a model for the health service."""
    return f"{PACKAGE}.GenerationService/{name}"


def kill_children() -> None:
    """Kill every process that this one has started, and those that they started."""
    for process in psutil.Process().children(recursive=True):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
