"""Shared by every kind of test: a server in this process, called with the bare stubs."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from xdist.scheduler import LoadFileScheduling

from jarvis.app.application import make_application, make_instruments
from jarvis.app.bootstrap import make_server
from jarvis.app.config import load
from jarvis.v1 import embedding_pb2_grpc, generation_pb2_grpc, retrieval_pb2_grpc, server_pb2_grpc

SERVING = health_pb2.HealthCheckResponse.SERVING
DEFAULTS = [
    'server.listen=["127.0.0.1:0"]',
    'http.listen="127.0.0.1:0"',
    "server.drain_delay_seconds=0",
    'limits.usage=":memory:"',
]
STAND_INS = [
    "models.echo.adapter=echo",
    "embedder.adapter=hashing",
    "store.adapter=memory",
    "telemetry.adapter=none",
    'cache=[{adapter="memory"}]',
    'retrieval.text_index=":memory:"',
]


class Scheduling(LoadFileScheduling):
    """Gives each process whole files, and of the engine tests whole folders, whose tests share a server."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = file.rpartition("/")[0]
        return folder if folder.startswith("tests/engine/") else file


LONGEST = (
    "tests/engine/demo",
    "tests/engine/test_memory.py",
    "tests/engine/observed",
    "tests/engine/test_two_models.py",
    "tests/conformance/test_vllm.py",
    "tests/engine/test_terminal.py",
    "tests/engine/test_starts.py",
    "tests/e2e/test_plugin_package.py",
    "tests/unit/plugins/test_testkit",
)
"""What processes begin with, as it takes longest; the two models, on all CPUs, are not beside `demo`."""


def pytest_xdist_make_scheduler(config, log):
    if config.getvalue("dist") != "loadfile":
        return None
    config.option.loadscopereorder = False  # which begins with the files of many tests
    return Scheduling(config, log)


def place(nodeid):
    return next((n for n, start in enumerate(LONGEST) if nodeid.startswith(start)), len(LONGEST))


def pytest_collection_modifyitems(items):
    """Put first what takes longest, and last what ends a server that others share; give time to some tests.

    Engines may have to start, and the kit runs pytest on many adapters.
    """
    items.sort(key=lambda item: (place(item.nodeid), item.get_closest_marker("last") is not None))
    for item in items:
        if not item.get_closest_marker("timeout"):
            if item.get_closest_marker("engine"):
                item.add_marker(pytest.mark.timeout(600))
            elif item.path.name.startswith("test_testkit"):
                item.add_marker(pytest.mark.timeout(300))


class Peer:
    """A caller with the bare stubs of every service."""

    def __init__(self, channel):
        self.channel = channel
        self.generation = generation_pb2_grpc.GenerationServiceStub(channel)
        self.embedding = embedding_pb2_grpc.EmbeddingServiceStub(channel)
        self.retrieval = retrieval_pb2_grpc.RetrievalServiceStub(channel)
        self.server = server_pb2_grpc.ServerServiceStub(channel)
        self.health = health_pb2_grpc.HealthStub(channel)

    async def serving(self, timeout=10, service=""):
        """Wait until health says SERVING."""
        request = health_pb2.HealthCheckRequest(service=service)
        watch = self.health.Watch(request, wait_for_ready=True, timeout=timeout)
        async for response in watch:
            if response.status == SERVING:
                watch.cancel()
                return

    async def check(self, service=""):
        response = await self.health.Check(health_pb2.HealthCheckRequest(service=service))
        return health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)


class InProcess(Peer):
    """A caller, and the server in the same process that it calls."""

    def __init__(self, channel, server, application, run):
        super().__init__(channel)
        self.instance = server
        self.application = application
        self.run = run


@asynccontextmanager
async def peer(address) -> AsyncIterator[Peer]:
    async with grpc.aio.insecure_channel(address) as channel:
        yield Peer(channel)


@asynccontextmanager
async def in_process(*sets, ready=True) -> AsyncIterator[InProcess]:
    config = load(None, [*DEFAULTS, *sets], {})
    application = make_application(config, make_instruments(config))
    server = make_server(config, application)
    run = asyncio.create_task(server.run())
    while not server.addresses:
        if run.done():
            await run
        await asyncio.sleep(0.01)
    try:
        async with grpc.aio.insecure_channel(server.addresses[0]) as channel:
            running = InProcess(channel, server, application, run)
            if ready:
                await running.serving()
            yield running
    finally:
        if not run.done():
            server.stop()
        await asyncio.wait([run])


Start = Callable[..., AbstractAsyncContextManager[InProcess]]


@pytest.fixture(scope="session")
def start() -> Start:
    """Start a server on the stand-ins; `sets` are as for `--set`."""
    return lambda *sets, ready=True: in_process(*STAND_INS, *sets, ready=ready)


@pytest.fixture(scope="session")
def connect():
    """Call a server in another process."""
    return peer


@pytest.fixture(scope="session")
def rest():
    """Read what is left of a stream whose beginning was read with `read`."""

    async def read(call):
        events = []
        while (event := await call.read()) is not grpc.aio.EOF:
            events.append(event)
        return events

    return read


def details(error):
    """Unpack the google.rpc details of a failed call, by the name of their type."""
    metadata = dict(error.trailing_metadata())
    packed = metadata["grpc-status-details-bin"]
    assert len(packed) < 4096
    status = status_pb2.Status.FromString(packed)
    assert status.code == error.code().value[0]
    found = {}
    for detail in status.details:
        kind = getattr(error_details_pb2, detail.TypeName().rpartition(".")[2])
        found[kind.__name__] = kind.FromString(detail.value)
    assert found["ErrorInfo"].domain == "jarvis"
    return found


@pytest.fixture(scope="session")
def failure():
    """Await a call that has to fail: return its code, reason, blamed fields, and seconds to retry after."""

    async def failed(call):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            if hasattr(call, "__aiter__"):
                assert [event async for event in call] == [], "the stream has begun"
            else:
                await call
        found = details(caught.value)
        fields = (
            [violation.field for violation in found["BadRequest"].field_violations]
            if "BadRequest" in found
            else []
        )
        retry = found["RetryInfo"].retry_delay.ToNanoseconds() / 1e9 if "RetryInfo" in found else None
        return caught.value.code().name, found["ErrorInfo"].reason, fields, retry

    return failed


UNPACKED = Path(__file__).parents[1] / ".venv/prometheus/usr/bin"


def program(name) -> Path:
    """Find a program of Prometheus: scripts/prometheus.sh puts it where the machine has none."""
    found = shutil.which(name, path=f"{UNPACKED}{os.pathsep}{os.environ['PATH']}")
    if not found:
        reason = f"{name} is not on this machine, and scripts/prometheus.sh has not fetched it"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return Path(found)


@pytest.fixture(scope="session")
def promtool() -> Path:
    """The program that checks and tests rules; the test is skipped where there is none, but not in CI."""
    return program("promtool")


@pytest.fixture(scope="session")
def prometheus_binary() -> Path:
    """The server itself; the test is skipped where there is none, but not in CI."""
    return program("prometheus")
