"""The life of the server: listen, load, serve, drain, stop."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import psutil
from grpc_health.v1 import health_pb2_grpc

from jarvis.access.authenticator import Authenticator
from jarvis.address import CannotListen
from jarvis.core.application import Application
from jarvis.core.generation.replay import Replays
from jarvis.core.lifecycle.component import Component
from jarvis.core.status import Capability
from jarvis.core.telemetry import metrics
from jarvis.server.embedding import EmbeddingServicer
from jarvis.server.gate import Gate
from jarvis.server.generation import GenerationServicer
from jarvis.server.health import HealthServicer
from jarvis.server.http import Access, Sources, side_port
from jarvis.server.interceptor import CallInterceptor
from jarvis.server.listen import problem
from jarvis.server.load import Load
from jarvis.server.options import server_options
from jarvis.server.quiet import keep_headers_out
from jarvis.server.reflection import add_reflection
from jarvis.server.retrieval import RetrievalServicer
from jarvis.server.roles import roles
from jarvis.server.service import ServerServicer
from jarvis.server.services import SERVER_SERVICE, SERVICES, of_model, of_reranker
from jarvis.server.settings import ServerSettings
from jarvis.server.tls import Certificates
from jarvis.server.unknown import make_server
from jarvis.v1 import embedding_pb2_grpc, generation_pb2_grpc, retrieval_pb2_grpc, server_pb2_grpc
from jarvis_plugins.registry import PortName
from jarvis_ports.errors import JarvisError
from jarvis_ports.values import State

logger = logging.getLogger(__name__)

FLUSH_SECONDS = 5
"""Seconds that the caches have at shutdown to write what they were given."""
CLOSE_SECONDS = 20.0
"""Seconds that the open components have to close before their processes are killed."""


class Server:
    """A gRPC server for the use cases, and a small HTTP server for those who operate it.

    Args:
        settings: addresses, limits and drain times, and whether texts are logged.
        application: the application that it serves.

    Attributes:
        addresses: the addresses that it listens on, once it does.
        http_address: the address of its HTTP server, once that listens; None if there is none.
        gate: lets callers in.

    Raises:
        CannotListen: the files with which callers are known cannot be used.
    """

    def __init__(self, settings: ServerSettings, application: Application) -> None:
        keep_headers_out()
        self._settings = settings
        self._authenticator = Authenticator(settings.access) if settings.access else None
        self._status = status = application.status
        self._components = application.components
        self._routes = application.routes
        self._weights = application.weights
        self._requests = requests = application.requests
        self._flush = application.embedding.flush
        self._ledger = application.ledger
        self._instruments = application.instruments
        self._stop = asyncio.Event()
        self.addresses: list[str] = []
        self.http_address: str | None = None
        services = [SERVICES[capability] for capability in status.serving]
        self._health = health = HealthServicer([*services, *self._of_parts(), SERVER_SERVICE])
        self._sources = Sources(
            status,
            self._components,
            application.gpus,
            lambda: health.ready,
            application.instruments.exposition,
        )
        most, intakes = settings.max_message_bytes, application.intakes
        generation = GenerationServicer(
            application.generation,
            intakes.others,
            requests,
            Replays(settings.resume_seconds),
            most,
            log_text=settings.log_text,
        )
        metering = application.metering
        embedding = EmbeddingServicer(
            application.embedding, application.reranking, intakes, requests, metering, most
        )
        retrieval = RetrievalServicer(application.retrieval, intakes, requests, most)
        service = ServerServicer(
            status,
            components=self._components,
            routes=application.routes,
            requests=requests,
            reloads=application.reloads,
            sleeping=application.sleeping,
            weights=application.weights,
            adapters=application.adapters,
            instruments=application.instruments,
            gpus=application.gpus,
            metering=metering,
        )
        table = roles(
            {
                SERVICES[Capability.GENERATION]: generation,
                SERVICES[Capability.EMBEDDING]: embedding,
                SERVICES[Capability.RETRIEVAL]: retrieval,
                SERVER_SERVICE: service,
            }
        )
        self.gate = Gate(self._authenticator, table)
        load = Load(self._routes, application.embedding)
        interceptor = CallInterceptor(self.gate, metering, application.instruments, load, settings)
        self._server = server = make_server([interceptor], server_options(most))
        generation_pb2_grpc.add_GenerationServiceServicer_to_server(generation, server)
        embedding_pb2_grpc.add_EmbeddingServiceServicer_to_server(embedding, server)
        retrieval_pb2_grpc.add_RetrievalServiceServicer_to_server(retrieval, server)
        server_pb2_grpc.add_ServerServiceServicer_to_server(service, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        load.add_to(server)
        add_reflection([*services, SERVER_SERVICE, "grpc.health.v1.Health"], self._server)

    def stop(self) -> None:
        """Have the server drain, then stop."""
        self._stop.set()

    async def run(self) -> int:
        """Serve until stopped, or until a component fails for good; return the exit code.

        Raises:
            CannotListen: an address is taken, or cannot be opened, or TLS files cannot be used.
            StoreUnusable: the file of what callers used cannot be opened.
        """
        tls = self._settings.tls
        certificates = Certificates(tls) if tls else None
        gauge, loop = self._instruments.gauge, asyncio.get_running_loop()
        gauge(metrics.TASKS, lambda: [(len(asyncio.all_tasks(loop)), {})])
        if certificates:
            gauge(metrics.CERTIFICATE_BEGINS, lambda: [(certificates.validity[0].timestamp(), {})])
            gauge(metrics.CERTIFICATE_ENDS, lambda: [(certificates.validity[1].timestamp(), {})])
        with self._ledger.running():
            return await self._run(certificates)

    async def _run(self, certificates: Certificates | None) -> int:
        async with self._side_port(certificates), self._listening(certificates):
            components = [asyncio.create_task(component.run()) for component in self._components]
            health = asyncio.create_task(self._report_health())
            stop = asyncio.create_task(self._stop.wait())
            try:
                done, _ = await asyncio.wait([stop, *components], return_when=asyncio.FIRST_COMPLETED)
                failed = [task for task in done if task is not stop]
                for task in failed:
                    error = task.exception()
                    known = isinstance(error, JarvisError)
                    logger.error("%s", error, exc_info=None if known else error)
                if not failed or any(model.state is State.READY for model in self._routes.models):
                    await self._drain()
                return 1 if failed else 0
            finally:
                self._requests.draining = True
                await self._health.enter_graceful_shutdown()
                await self._requests.close(within=0)
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._flush(), FLUSH_SECONDS)
                tasks = [stop, health, *components, *self._weights.tasks]
                for task in tasks:
                    task.cancel()
                if (await asyncio.wait(tasks, timeout=CLOSE_SECONDS))[1]:
                    logger.warning("not everything was closed in %g s; the rest is killed", CLOSE_SECONDS)

    async def _report_health(self) -> None:
        """Keep the health service up to date with the states of the components."""
        while True:
            serving = {SERVICES[one]: ready for one, ready in self._status.serving.items()}
            everything = all(serving.values())
            parts = {name: part.serving for name, part in self._of_parts().items()}
            await self._health.become({**serving, **parts, "": everything, SERVER_SERVICE: everything})
            await self._status.change()

    def _of_parts(self) -> dict[str, Component[Any]]:
        """Return the parts that the health service knows beside the services, by their names there."""
        rerankers = self._components.of(PortName.RERANKER)
        return {
            **{of_model(model.name): model for model in self._routes.models},
            **{of_reranker(reranker.name): reranker for reranker in rerankers},
        }

    async def _drain(self) -> None:
        """Let probes see the shutdown, then refuse new calls, then let the running ones finish."""
        requests, settings = self._requests, self._settings
        requests.draining = True
        await self._health.enter_graceful_shutdown()
        logger.info(
            "stopping: new calls are refused in %gs, running ones have %gs more",
            settings.drain_delay_seconds,
            settings.drain_timeout_seconds,
        )
        await asyncio.sleep(settings.drain_delay_seconds)
        if left := await requests.close(settings.drain_timeout_seconds):
            logger.warning("%d calls did not finish in time and were ended", left)

    @asynccontextmanager
    async def _side_port(self, certificates: Certificates | None) -> AsyncIterator[None]:
        settings = self._settings
        if not settings.http_listen:
            yield
            return
        access = Access(self._authenticator)
        tls = certificates.for_http() if certificates else None
        async with side_port(settings.http_listen, self._sources, access, tls) as address:
            self.http_address = address
            scheme = "https" if certificates else "http"
            logger.info("/metrics, /health and /ready are on %s://%s", scheme, address)
            yield

    @asynccontextmanager
    async def _listening(self, certificates: Certificates | None) -> AsyncIterator[None]:
        for address in self._settings.listen:
            why, port = problem(address), 0
            with suppress(RuntimeError):
                port = 0 if why else self._open(address, certificates)
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

    def _open(self, address: str, certificates: Certificates | None) -> int:
        """Open an address, and return its port; who may call a socket, its folder decides."""
        if certificates and not address.startswith("unix:"):
            return self._server.add_secure_port(address, certificates.for_grpc())
        return self._server.add_insecure_port(address)


def kill_children() -> None:
    """Kill every process that this one has started, and all of their descendants."""
    for process in psutil.Process().children(recursive=True):
        try:
            process.kill()
        except psutil.NoSuchProcess:
            continue
