"""The life of the server: listen, load, serve, drain, stop."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import grpc
import psutil
from grpc_health.v1 import health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from jarvis.address import AddressInUse
from jarvis.config import Config
from jarvis.core.component import State
from jarvis.core.gauges import Gauges
from jarvis.core.use_cases import UseCases
from jarvis.server.embedding import EmbeddingServicer
from jarvis.server.generation import GenerationServicer
from jarvis.server.health import HealthServicer
from jarvis.server.http import side_port
from jarvis.server.interceptor import CallInterceptor
from jarvis.server.retrieval import RetrievalServicer
from jarvis.server.service import ServerServicer
from jarvis.v1 import (
    embedding_pb2_grpc,
    generation_pb2_grpc,
    retrieval_pb2_grpc,
    server_pb2,
    server_pb2_grpc,
)
from jarvis_ports.errors import JarvisError

logger = logging.getLogger(__name__)

SERVER_SERVICE = server_pb2.DESCRIPTOR.services_by_name["ServerService"].full_name
FLUSH_SECONDS = 5
"""How long the caches may take, at the end, to write what they were given."""
CLOSE_SECONDS = 20.0
"""How long what is open may take to close, before its processes are killed."""
PACKAGE = SERVER_SERVICE.rpartition(".")[0]


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
            interceptors=[CallInterceptor(status.instruments)],
            options=[
                ("grpc.so_reuseport", 0),  # a second server on the port is a mistake
                ("grpc.max_receive_message_length", self._config.max_message_bytes),
                ("grpc.max_send_message_length", self._config.max_message_bytes),
                # A caller whose machine is gone is noticed, and a polite one may ask as well.
                ("grpc.keepalive_time_ms", 30_000),
                ("grpc.keepalive_timeout_ms", 10_000),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
            ],
        )
        generation_pb2_grpc.add_GenerationServiceServicer_to_server(
            GenerationServicer(use_cases.generation, status.requests, log_text=config.log.text), self._server
        )
        embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server(
            EmbeddingServicer(use_cases.embedding, status.requests, self._config.max_message_bytes),
            self._server,
        )
        retrieval_pb2_grpc.add_RetrievalServiceServicer_to_server(
            RetrievalServicer(use_cases.retrieval, status.requests), self._server
        )
        server_pb2_grpc.add_ServerServiceServicer_to_server(ServerServicer(status), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        names = [*services, SERVER_SERVICE, "grpc.health.v1.Health", reflection.SERVICE_NAME]
        reflection.enable_server_reflection(names, self._server)

    def stop(self) -> None:
        """Drain, then stop."""
        self._stop.set()

    async def run(self) -> int:
        """Serve until stopped, or until a component fails for good; return the exit code.

        Raises:
            AddressInUse: an address is taken, or is none of this machine's.
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
            try:
                port = 0 if answers(address) else self._server.add_insecure_port(address)
            except RuntimeError:
                port = 0
            if not port:
                msg = f"cannot listen on {address}: it is in use, or not an address of this machine"
                raise AddressInUse(msg)
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


def answers(address: str) -> bool:
    """Tell whether someone listens on a unix socket: gRPC would take it away without a word."""
    path = address.removeprefix("unix:")
    if path == address:
        return False
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def kill_children() -> None:
    """Kill every process that this one has started, and those that they started."""
    for process in psutil.Process().children(recursive=True):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
