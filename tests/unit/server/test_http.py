"""The HTTP side port."""

import asyncio
import threading
from contextlib import asynccontextmanager
from types import SimpleNamespace

import aiohttp
import pytest

from jarvis import __version__
from jarvis.address import CannotListen
from jarvis.core.lifecycle.component import Component
from jarvis.core.lifecycle.components import Components
from jarvis.core.lifecycle.requests import Requests
from jarvis.core.routing import Routes
from jarvis.core.routing.breaker import CircuitBreaker
from jarvis.core.routing.model import Model
from jarvis.core.status import Status
from jarvis.core.telemetry.gpus import GpuReader
from jarvis.server import http
from jarvis_ports.telemetry import Exposition
from jarvis_ports.values import State

PAGE = Exposition("text/plain; version=1.0.0; charset=utf-8", b"jarvis_build_info 1\n")
GPUS = [
    SimpleNamespace(id=0, name="a", memory_total_bytes=80 * 10**9, memory_used_bytes=70 * 10**9),
    SimpleNamespace(id=1, name="b", memory_total_bytes=80 * 10**9, memory_used_bytes=0),
]


def component(kind, name, state=State.READY, message=""):
    made = (
        Model(name, "echo", None, breaker=CircuitBreaker(5, 30))
        if kind == "model"
        else Component(kind, name, "echo", None)
    )
    made.state, made.message, made._port = state, message, object() if state is State.READY else None
    return made


class Port:
    """The side port, and who calls it."""

    def __init__(self):
        self.model = component("model", "m")
        self.cache = component("cache", "memory")
        self.gpus = tuple
        self.ready = True
        self.requests = Requests()
        self.exposed = lambda accept: PAGE

    @asynccontextmanager
    async def open(self, listen="127.0.0.1:0"):
        components = Components([self.model, self.cache])
        status = Status(components, Routes([self.model], [], "m"), self.requests)
        gpus = GpuReader(self._read_gpus)
        sources = http.Sources(status, components, gpus, lambda: self.ready, self._expose)
        async with (
            http.side_port(listen, sources, http.Access(None), None) as self.address,
            aiohttp.ClientSession(f"http://{self.address}") as self.client,
        ):
            yield self

    def _read_gpus(self):
        return self.gpus()

    def _expose(self, accept):
        return self.exposed(accept)

    async def get(self, path, **options):
        async with self.client.get(path, **options) as response:
            return response.status, await response.json()

    async def connect(self):
        host, _, port = self.address.rpartition(":")
        return await asyncio.open_connection(host, int(port))


@pytest.fixture
async def port():
    async with Port().open() as port:
        yield port


async def test_health_tells_the_facts(port):
    port.gpus = lambda: GPUS
    status, facts = await port.get("/health?verbose=1")
    assert status == 200
    assert facts.pop("uptime_seconds") >= 0
    assert facts == {
        "status": "healthy",
        "version": __version__,
        "models_loaded": ["m"],
        "gpu_available": True,
        "vram_free_gb": 90.0,
        "adapters": [
            {"port": "llm", "name": "m", "adapter": "echo", "state": "ready", "message": ""},
            {"port": "cache", "name": "memory", "adapter": "echo", "state": "ready", "message": ""},
        ],
    }


async def test_without_a_gpu_it_is_healthy_and_says_so(port):
    status, facts = await port.get("/health")
    assert (status, facts["status"]) == (200, "healthy")
    assert (facts["gpu_available"], facts["vram_free_gb"]) == (False, None)


async def test_what_callers_can_do_without_is_degraded_and_answers_200(port):
    port.cache.state, port.cache.message = State.FAILED, "disk full"
    status, facts = await port.get("/health")
    assert (status, facts["status"]) == (200, "degraded")
    assert facts["adapters"][1]["message"] == "disk full"


async def test_what_callers_need_is_unhealthy_and_answers_503(port):
    port.model.state, port.model._port = State.FAILED, None
    status, facts = await port.get("/health")
    assert (status, facts["status"], facts["models_loaded"]) == (503, "unhealthy", [])


async def test_while_it_drains_it_is_alive(port):
    port.requests.draining = True
    port.ready = False
    status, facts = await port.get("/health")
    assert (status, facts["status"]) == (200, "degraded")
    assert await port.get("/ready") == (503, {"ready": False})


async def test_ready_is_what_the_standard_health_service_says(port):
    assert await port.get("/ready") == (200, {"ready": True})
    port.ready = False
    assert await port.get("/ready") == (503, {"ready": False})


async def test_metrics_are_the_exposition_for_what_the_scraper_accepts(port):
    accepted = []
    port.exposed = lambda accept: accepted.append(accept) or PAGE
    async with port.client.get("/metrics", headers={"Accept": "application/openmetrics-text"}) as response:
        assert (response.status, await response.read()) == (200, PAGE.body)
        assert response.headers["Content-Type"] == PAGE.content_type
    assert accepted == ["application/openmetrics-text"]


async def test_where_there_is_nothing_to_scrape_it_says_why(port):
    port.exposed = lambda accept: None
    async with port.client.get("/metrics") as response:
        assert response.status == 404
        assert "telemetry.adapter is none" in await response.text()


async def test_an_exposition_that_fails_is_one_failed_scrape(port):
    port.exposed = lambda accept: 1 / 0
    async with port.client.get("/metrics") as response:
        assert response.status == 500
        assert "ZeroDivisionError" not in await response.text()
    port.exposed = lambda accept: PAGE
    async with port.client.get("/metrics") as response:
        assert response.status == 200


async def test_a_hanging_exposition_keeps_nothing_else_and_only_one_thread(port):
    begun, release, calls = threading.Event(), threading.Event(), []

    def hang(accept):
        calls.append(accept)
        begun.set()
        release.wait(30)
        return PAGE

    port.exposed = hang
    scrapes = [asyncio.create_task(port.client.get("/metrics")) for _ in range(8)]
    try:
        assert await asyncio.to_thread(begun.wait, 10)
        assert (await port.get("/health"))[0] == (await port.get("/ready"))[0] == 200
        for scrape in scrapes:
            scrape.cancel()
        await asyncio.wait(scrapes)
        # Their connections are closed before this one's answer comes.
        assert (await port.get("/health"))[0] == 200
    finally:
        release.set()
    port.exposed = lambda accept: PAGE
    async with port.client.get("/metrics") as response:
        assert response.status == 200
    assert len(calls) == 1, "those that went away are not scraped for"


async def test_a_driver_that_hangs_holds_up_nothing_else(port):
    begun, release = threading.Event(), threading.Event()

    def hang():
        begun.set()
        release.wait(30)
        return ()

    port.gpus = hang
    health = asyncio.create_task(port.get("/health"))
    try:
        assert await asyncio.to_thread(begun.wait, 10)
        assert (await port.get("/ready"))[0] == 200
        async with port.client.get("/metrics") as response:
            assert response.status == 200
        assert not health.done()
    finally:
        release.set()
    assert (await health)[0] == 200


async def test_it_closes_while_a_scrape_hangs(monkeypatch):
    monkeypatch.setattr(http, "CLOSE_SECONDS", 0.1)
    begun, release = threading.Event(), threading.Event()
    port = Port()
    port.exposed = lambda accept: begun.set() or release.wait(30)
    async with asyncio.timeout(10):
        async with port.open():
            scrape = asyncio.create_task(port.client.get("/metrics"))
            await asyncio.to_thread(begun.wait, 10)
        with pytest.raises((aiohttp.ClientError, asyncio.CancelledError)):
            await scrape
    release.set()


@pytest.mark.parametrize("path", ["/metrics", "/health", "/ready"])
async def test_head_works_and_other_methods_do_not(port, path):
    async with port.client.head(path) as response:
        assert (response.status, await response.read()) == (200, b"")
    async with port.client.post(path, data=b"x" * 100_000) as response:
        assert response.status == 405
        assert response.headers["Allow"] == "GET,HEAD"


@pytest.mark.parametrize("path", ["/", "/healthz", "/health/", "/metrics/../secret"])
async def test_other_paths_are_not_found(port, path):
    async with port.client.get(path) as response:
        assert response.status == 404


async def test_a_head_that_is_too_large_is_refused(port):
    async with port.client.get("/health", headers={"X-Much": "x" * 100_000}) as response:
        assert response.status == 400
    assert (await port.get("/health"))[0] == 200


@pytest.mark.parametrize(
    "sent", [b"", b"GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: "], ids=["nothing", "half"]
)
async def test_a_client_that_says_nothing_or_half_of_it_is_hung_up_on(monkeypatch, sent):
    monkeypatch.setattr(http, "KEEPALIVE_SECONDS", 0.2)
    async with Port().open() as port:
        reader, writer = await port.connect()
        writer.write(sent)
        assert (await port.get("/health"))[0] == 200
        assert await asyncio.wait_for(reader.read(), 10) == b""
        writer.close()


async def test_what_is_no_http_is_refused(port):
    reader, writer = await port.connect()
    writer.write(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n")
    assert b" 400 " in await asyncio.wait_for(reader.readline(), 10)
    writer.close()


async def test_a_taken_port_is_one_clear_error(port):
    with pytest.raises(
        CannotListen, match=rf"cannot listen on {port.address}: it is in use by .*; set http.listen"
    ):
        async with Port().open(port.address):
            pass
    assert (await port.get("/health"))[0] == 200


async def test_an_address_of_another_machine_is_one_clear_error():
    with pytest.raises(CannotListen, match=r"cannot listen on 192.0.2.1:80: .*; set http.listen"):
        async with Port().open("192.0.2.1:80"):
            pass


async def test_a_name_that_nobody_has_is_one_clear_error():
    with pytest.raises(CannotListen, match=r"cannot listen on no-such-host.invalid:80: .*; set http.listen"):
        async with Port().open("no-such-host.invalid:80"):
            pass


async def test_ipv6_is_in_brackets():
    async with Port().open("[::1]:0") as port:
        assert port.address.startswith("[::1]:")
        assert (await port.get("/health"))[0] == 200


async def test_once_closed_it_listens_no_more():
    async with Port().open() as port:
        address = port.address
    async with Port().open(address) as again:
        assert again.address == address
