"""Runs a server as a process of its own: starts it on a free port, waits until it answers, and stops it."""

import asyncio
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

START_SECONDS = 180
STOP_SECONDS = 60
LOG_TAIL = 4000


@asynccontextmanager
async def running(
    command: Callable[[int], Sequence[str]],
    ready: Callable[[int], Awaitable[bool]],
    environment: Mapping[str, str] | None = None,
    start_seconds: float = START_SECONDS,
) -> AsyncIterator[int]:
    """Run the command for a free port, and yield that port once `ready` returns True for it.

    The environment is added to that of this process.

    Raises:
        RuntimeError: it ended, was not ready within `start_seconds`, or the block failed; the message ends
            with its output.
    """
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = await asyncio.create_subprocess_exec(
            *command(port), stdout=log, stderr=log, env={**os.environ, **(environment or {})}
        )
        try:
            await _wait(process, lambda: ready(port), start_seconds)
            yield port
        except Exception as error:
            log.seek(0)
            tail = log.read()[-LOG_TAIL:].decode(errors="replace")
            msg = f"{' '.join(command(port)[:3])}: {error!r}; the end of its output:\n{tail}"
            raise RuntimeError(msg) from error
        finally:
            await _stop(process)


async def grpc_serving(port: int) -> bool:
    """Return whether the standard health service says that the server is serving."""
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(), timeout=5
            )
        except grpc.aio.AioRpcError:
            return False
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


async def _wait(
    process: asyncio.subprocess.Process, ready: Callable[[], Awaitable[bool]], seconds: float
) -> None:
    async with asyncio.timeout(seconds):
        while not await ready():
            if process.returncode is not None:
                msg = f"ended with exit code {process.returncode}"
                raise RuntimeError(msg)
            await asyncio.sleep(0.5)


async def _stop(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()


def free_port() -> int:
    """Return a port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
