"""Makes gRPC servers that no call of an unknown method can stop."""

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import grpc
from grpc._cython import cygrpc  # type: ignore[attr-defined] # not typed


class _Server(cygrpc.AioServer):  # type: ignore[misc]
    """Answers calls of unknown methods without looking at their paths.

    gRPC decodes such a path in the loop in which it takes all calls, and which asks here for the next call of
    each method. A path that is not UTF-8, whoever sends it, would end that loop, close every address for
    good, and free what gRPC's core still writes to. See `_server_main_loop` in
    https://github.com/grpc/grpc/blob/master/src/python/grpcio/grpc/_cython/_cygrpc/aio/server.pyx.pxi
    """

    def _make_request_call_future(self, method: bytes | None) -> "asyncio.Future[Any]":
        if method is not None:
            return super()._make_request_call_future(method)  # type: ignore[no-any-return]
        return asyncio.create_task(self._answer_unknown())

    async def _answer_unknown(self) -> None:
        """Answer with UNIMPLEMENTED until gRPC stops the server, which raises what gRPC's loop expects."""
        loop, nothing = asyncio.get_running_loop(), cygrpc._MethodResolver([], {})
        answers: set[asyncio.Task[None]] = set()
        while True:
            call = await self._request_call()
            answer = cygrpc._handle_rpc("unknown", nothing, (), call, loop, False)  # noqa: FBT003
            scheduled: Coroutine[Any, Any, None] = cygrpc._schedule_rpc_coro(answer, call, loop, "unknown")
            task = asyncio.create_task(scheduled)
            answers.add(task)
            task.add_done_callback(answers.discard)


def make_server(
    interceptors: Sequence[grpc.aio.ServerInterceptor], options: Sequence[tuple[str, int]]
) -> grpc.aio.Server:
    """Return a server that knows the methods that are registered with it, and none of generic handlers."""
    original, cygrpc.AioServer = cygrpc.AioServer, _Server
    try:
        return grpc.aio.server(interceptors=interceptors, options=options)
    finally:
        cygrpc.AioServer = original
