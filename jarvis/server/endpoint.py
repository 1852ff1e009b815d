"""The gRPC server, which is made anew where gRPC gives it up."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress

import grpc

from jarvis.server.listen import problem

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.05
"""Seconds between two looks whether gRPC still takes calls, of which nothing tells."""
CALLS_SECONDS = 24 * 3600.0
"""Seconds that the calls of a server that was given up may go on."""


class Endpoint:
    """Listens, and goes on listening.

    A call whose path is not UTF-8, whoever sends it, ends the loop in which gRPC takes calls, and gRPC then
    closes all that it listens on, for good; calls that run go on (`_server_main_loop` and
    `_serving_task_crash_handler` in
    https://github.com/grpc/grpc/blob/master/src/python/grpcio/grpc/_cython/_cygrpc/aio/server.pyx.pxi).

    Args:
        make: returns a new server with all of its services.
    """

    def __init__(self, make: Callable[[], grpc.aio.Server]) -> None:
        self._make = make
        self._server = make()
        self._opened: list[tuple[str, grpc.ServerCredentials | None]] = []
        self._given_up: dict[grpc.aio.Server, asyncio.Task[None]] = {}
        self._looking: asyncio.Task[None] | None = None

    def open(self, address: str, credentials: grpc.ServerCredentials | None) -> int:
        """Open an address, encrypted with credentials unless they are None; return its port.

        Raises:
            RuntimeError: gRPC cannot.
        """
        port = self._open(address, credentials)
        real = address if address.startswith("unix:") else f"{address.rpartition(':')[0]}:{port}"
        self._opened.append((real, credentials))
        return port

    def _open(self, address: str, credentials: grpc.ServerCredentials | None) -> int:
        if credentials:
            return self._server.add_secure_port(address, credentials)
        return self._server.add_insecure_port(address)

    async def start(self) -> None:
        """Take calls."""
        await self._server.start()
        self._looking = asyncio.create_task(self._look())

    async def stop(self, grace: float) -> None:
        """Take no more calls, and end those that still run after `grace` seconds."""
        if self._looking:
            self._looking.cancel()
            await asyncio.wait([self._looking])
        await asyncio.gather(*(server.stop(grace) for server in [self._server, *self._given_up]))

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._server._server.is_running():  # type: ignore[attr-defined]
                continue
            old, self._server = self._server, self._make()
            self._given_up[old] = asyncio.create_task(old.stop(CALLS_SECONDS))
            self._given_up[old].add_done_callback(lambda _, old=old: self._given_up.pop(old))  # type: ignore[misc]
            for address, credentials in self._opened:
                await self._open_again(address, credentials)
            await self._server.start()
            logger.warning(
                "gRPC stopped listening, because of a call whose path is no text; it listens again"
            )

    async def _open_again(self, address: str, credentials: grpc.ServerCredentials | None) -> None:
        """Open an address as soon as the old server has closed it."""
        while True:
            with suppress(RuntimeError):
                if not problem(address) and self._open(address, credentials):
                    return
            await asyncio.sleep(LOOK_SECONDS)
