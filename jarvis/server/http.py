"""The HTTP side port, for probes and scrapers that do not speak gRPC."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ssl import SSLContext
from typing import Any

from aiohttp import web

import jarvis
from jarvis.address import CannotListen
from jarvis.core.lifecycle.components import Components
from jarvis.core.status import Status
from jarvis.core.telemetry.gpus import GpuReader
from jarvis.server.listen import problem, reason
from jarvis.server.tls import Certificates
from jarvis_ports.telemetry import Exposition
from jarvis_ports.values import Gpu, HealthLevel

KEEPALIVE_SECONDS = 75.0
"""Seconds that a connection may be silent, or take to send a request; scrapers ask again within a minute."""
CLOSE_SECONDS = 1.0
"""Seconds that answers in progress have to finish at shutdown."""

PROBES = {"/health", "/ready"}

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Expose = Callable[[str], Exposition | None]
"""A function that returns all metrics for an `Accept` header, or None if there are none to scrape."""

NOTHING_TO_SCRAPE = (
    "There is nothing to scrape: telemetry.adapter is none, or sends the metrics elsewhere, or is not open.\n"
)


@dataclass(frozen=True)
class Sources:
    """The sources of the answers.

    Attributes:
        status: the state of the server as a whole.
        components: all that the server opens.
        gpus: reads the GPUs of this machine.
        ready: returns whether the standard health service reports the server as SERVING.
        exposition: returns the answer to /metrics; called in a thread of its own, for one scraper at a time.
    """

    status: Status
    components: Components
    gpus: GpuReader
    ready: Callable[[], bool]
    exposition: Expose


@dataclass(frozen=True)
class Access:
    """Who may ask.

    Attributes:
        certificates: what encrypts; None for nothing.
        open_probes: whether /health and /ready are for everybody.
    """

    certificates: Certificates | None = None
    open_probes: bool = True

    def knows(self, request: web.Request) -> bool:
        """Return whether a caller showed a certificate, where callers have to."""
        if not (self.certificates and self.certificates.know_callers):
            return True
        return bool(request.transport and request.transport.get_extra_info("peercert"))

    @web.middleware
    async def check(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer those who may ask, and refuse others.

        Raises:
            HTTPForbidden: this path is for callers that show a certificate, and this one showed none.
        """
        if not self.knows(request) and not (self.open_probes and request.path in PROBES):
            raise web.HTTPForbidden(text="Show a client certificate that server.tls.client_ca signed.\n")
        return await handler(request)


@asynccontextmanager
async def side_port(listen: str, sources: Sources, access: Access) -> AsyncIterator[str]:
    """Answer /metrics, /health and /ready while the block runs; yield the address, with its real port.

    Args:
        listen: host:port; port 0 stands for any free port.
        sources: the sources of the answers.
        access: who may ask.

    Raises:
        CannotListen: the address is taken, or cannot be opened.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")
    app = web.Application(middlewares=[access.check])
    app.add_routes(_Handlers(sources, access, thread).routes)
    runner = web.AppRunner(
        app,
        access_log=None,
        handler_cancellation=True,  # a scraper that has gone does not wait in the queue
        keepalive_timeout=KEEPALIVE_SECONDS,
        lingering_time=CLOSE_SECONDS,
        shutdown_timeout=CLOSE_SECONDS,
    )
    await runner.setup()
    try:
        context = access.certificates.for_http() if access.certificates else None
        yield await _listen(runner, listen, context)
    finally:
        await runner.cleanup()
        thread.shutdown(wait=False, cancel_futures=True)


async def _listen(runner: web.AppRunner, listen: str, tls: SSLContext | None) -> str:
    host, _, port = listen.rpartition(":")
    why = problem(listen)
    try:
        if not why:
            await web.TCPSite(runner, host.strip("[]"), int(port), ssl_context=tls).start()
    except OSError as error:
        why = reason(error)
    if why:
        msg = f'cannot listen on {listen}: {why}; set http.listen to another address, or to "" for none'
        raise CannotListen(msg)
    return f"{host}:{runner.addresses[0][1]}"


class _Handlers:
    def __init__(self, sources: Sources, access: Access, thread: ThreadPoolExecutor) -> None:
        self._sources = sources
        self._access = access
        self._thread = thread
        self.routes = [
            web.get("/metrics", self._metrics),
            web.get("/health", self._health),
            web.get("/ready", self._is_ready),
        ]

    async def _metrics(self, request: web.Request) -> web.Response:
        loop, accept = asyncio.get_running_loop(), request.headers.get("Accept", "")
        found = await loop.run_in_executor(self._thread, self._sources.exposition, accept)
        if found is None:
            raise web.HTTPNotFound(text=NOTHING_TO_SCRAPE)
        return web.Response(body=found.body, headers={"Content-Type": found.content_type})

    async def _health(self, request: web.Request) -> web.Response:
        sources = self._sources
        facts: dict[str, Any] = {"status": sources.status.health}
        if self._access.knows(request):  # strangers learn no more
            facts = _facts(sources.status, sources.components, await sources.gpus.read_in_thread())
        return web.json_response(facts, status=503 if facts["status"] is HealthLevel.UNHEALTHY else 200)

    async def _is_ready(self, request: web.Request) -> web.Response:
        ready = self._sources.ready()
        return web.json_response({"ready": ready}, status=200 if ready else 503)


def _facts(status: Status, components: Components, gpus: Sequence[Gpu]) -> dict[str, Any]:
    free = sum(gpu.memory_total_bytes - gpu.memory_used_bytes for gpu in gpus)
    return {
        "status": status.health,
        "version": jarvis.__version__,
        "uptime_seconds": round(status.uptime, 3),
        "models_loaded": status.models_loaded,
        "gpu_available": bool(gpus),
        "vram_free_gb": round(free / 1e9, 3) if gpus else None,
        "adapters": [
            {
                "port": component.port_name,
                "name": component.name,
                "adapter": component.adapter,
                "state": component.state,
                "message": component.message,
            }
            for component in components
        ],
    }
