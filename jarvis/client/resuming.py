"""Takes a stream up again where its connection breaks."""
# ruff: noqa: ASYNC109 - these are gRPC deadlines, which the server sees too

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress

from jarvis.client.calls import BROKEN, Calls
from jarvis.client.errors import JarvisClientError
from jarvis.v1 import generation_pb2_grpc, server_pb2_grpc
from jarvis.wire import answers, server
from jarvis.wire.messages import generation_pb2 as pb
from jarvis_ports.values import NumberedEvent, ResumeRequest

MOST_FAILURES = 8
"""How many times in a row a stream is taken up before that is given up, if no event arrives between."""
DELAY = 0.05
"""Seconds before the first of these times; each is twice as long after the one before it."""
ABORT_SECONDS = 2.0


class Resuming:
    """Reads streams that are taken up again, on one channel."""

    def __init__(
        self,
        calls: Calls,
        generation: "generation_pb2_grpc.GenerationServiceAsyncStub",
        server_: "server_pb2_grpc.ServerServiceAsyncStub",
    ) -> None:
        self._calls = calls
        self._generation = generation
        self._server = server_

    async def stream(
        self, request: pb.GenerateStreamRequest, request_id: str, timeout: float | None
    ) -> AsyncGenerator[NumberedEvent, None]:
        """Yield each event once; whoever leaves before the last one ends the request."""
        limit = self._calls.limit(timeout)
        end = None if limit is None else time.monotonic() + limit
        last = failures = 0
        whole = numbers = False
        try:
            while not whole:
                left = None if end is None else max(0.0, end - time.monotonic())
                try:
                    async with aclosing(self._from(request, request_id, last, left)) as events:
                        async for numbered in events:
                            last, failures, numbers = numbered.sequence, 0, True
                            yield numbered
                    whole = True
                except JarvisClientError as error:
                    failures += 1
                    older = numbers and not last  # a server that does not number events
                    if error.reason or error.code not in BROKEN or failures > MOST_FAILURES or older:
                        whole = True  # the server has ended it, or cannot be told
                        raise
                    await asyncio.sleep(DELAY * 2 ** (failures - 1))
        finally:
            if not whole:
                with suppress(JarvisClientError):
                    abort = server.ABORT.message(request_id)
                    await self._calls.unary(self._server.Abort, abort, timeout=ABORT_SECONDS)

    async def _from(
        self, request: pb.GenerateStreamRequest, request_id: str, after: int, timeout: float | None
    ) -> AsyncGenerator[NumberedEvent, None]:
        """Yield the events after one of them."""
        if after:
            resume = answers.RESUME.message(ResumeRequest(request_id, after))
            resumed = self._calls.stream(self._generation.ResumeStream, resume, timeout=timeout)
            async with aclosing(resumed):
                async for message in resumed:
                    if numbered := answers.RESUMED.read(message):
                        yield numbered
            return
        begun = self._calls.stream(
            self._generation.GenerateStream, request, request_id=request_id, timeout=timeout
        )
        async with aclosing(begun):
            async for first in begun:
                yield answers.NUMBERED.read(first)
