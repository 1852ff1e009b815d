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
from jarvis.access.authenticator import Authenticator, Shown, check
from jarvis.address import CannotListen
from jarvis.core.lifecycle.components import Components
from jarvis.core.principal import Role
from jarvis.core.status import Status
from jarvis.core.telemetry.gpus import GpuReader
from jarvis.server.gate import name_in_connection
from jarvis.server.listen import problem, reason
from jarvis_ports.errors import JarvisError, PermissionDenied, Unauthenticated
from jarvis_ports.telemetry import Exposition
from jarvis_ports.values import Gpu, HealthLevel

KEEPALIVE_SECONDS = 75.0
"""Seconds that a connection may be silent, or take to send a request; scrapers ask again within a minute."""
CLOSE_SECONDS = 1.0
"""Seconds that answers in progress have to finish at shutdown."""

PROBES = {"/health", "/ready"}
OBSERVES = web.RequestKey("observes", bool)
"""Whether who asks has the role for it."""

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


class Access:
    """Who may ask.

    Args:
        authenticator: knows callers; None if everybody may ask.
    """

    def __init__(self, authenticator: Authenticator | None) -> None:
        self._authenticator = authenticator

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer those who may ask, and probes; refuse others.

        Raises:
            HTTPUnauthorized: who asks shows nothing, or something that is not valid.
            HTTPForbidden: who asks may not observe.
            HTTPServiceUnavailable: it cannot be found out who asks.
        """
        request[OBSERVES] = True
        try:
            await self._check(request)
        except JarvisError as error:
            request[OBSERVES] = False
            open_to_all = self._authenticator and self._authenticator.open_health
            if not (open_to_all and request.path in PROBES):
                raise _refusal(error) from None
        return await handler(request)

    async def _check(self, request: web.Request) -> None:
        if self._authenticator is None:
            return
        transport = request.transport
        certificate = name_in_connection(transport.get_extra_info("ssl_object")) if transport else ""
        shown = Shown(", ".join(request.headers.getall("Authorization", ())), certificate)
        check(await self._authenticator.identify(shown), Role.OBSERVE)


def _refusal(error: JarvisError) -> web.HTTPException:
    text = f"{error}\n"
    match error:
        case Unauthenticated():
            return web.HTTPUnauthorized(text=text, headers={"WWW-Authenticate": "Bearer"})
        case PermissionDenied():
            return web.HTTPForbidden(text=text)
    return web.HTTPServiceUnavailable(text=text)


@asynccontextmanager
async def side_port(
    listen: str, sources: Sources, access: Access, tls: SSLContext | None
) -> AsyncIterator[str]:
    """Answer /metrics, /health and /ready while the block runs; yield the address, with its real port.

    Args:
        listen: host:port; port 0 stands for any free port.
        sources: the sources of the answers.
        access: who may ask.
        tls: what encrypts; None for nothing.

    Raises:
        CannotListen: the address is taken, or cannot be opened.
    """
    thread = ThreadPoolExecutor(1, thread_name_prefix="metrics")
    app = web.Application(middlewares=[access.middleware])
    app.add_routes(_Handlers(sources, thread).routes)
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
        yield await _listen(runner, listen, tls)
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
    def __init__(self, sources: Sources, thread: ThreadPoolExecutor) -> None:
        self._sources = sources
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
        if request[OBSERVES]:  # strangers learn no more
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
                "state": state,
                "message": message,
            }
            for component in components
            for state, message in (component.shown,)
        ],
    }
