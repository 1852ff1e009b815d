"""What the server ended a call with, which grpcio forgets where a write fails because of it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import grpc

T = TypeVar("T")

MADE_UP = (grpc.StatusCode.INTERNAL, "Internal error from Core")
"""The status that grpcio makes up when it cannot write: before that of the server arrives, or in its place.

https://github.com/grpc/grpc/blob/master/src/python/grpcio/grpc/_cython/_cygrpc/aio/call.pyx.pxi
"""
LIMIT_SECONDS = 5.0
"""How long the server's own status, without which no write fails, may be on its way."""


class Ending:
    """Keeps the first status of a call that is not made up."""

    def __init__(self, call: grpc.aio.Call) -> None:
        self._status = asyncio.get_running_loop().create_future()
        call.add_done_callback(self._note)

    def _note(self, call: Any) -> None:  # noqa: ANN401 - the stubs know another type than is passed
        """Is called at each status that the call is given, while it has it."""
        code, details = _at_once(call.code()), _at_once(call.details())
        if (code, details) == MADE_UP or self._status.done():
            return
        initial, trailing = _at_once(call.initial_metadata()), _at_once(call.trailing_metadata())
        self._status.set_result(grpc.aio.AioRpcError(code, initial, trailing, details))

    async def error(self, found: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError | None:
        """Return what the call failed with, in place of what was found; None where it did not fail."""
        if (found.code(), found.details()) != MADE_UP:
            return found
        try:
            error = await asyncio.wait_for(asyncio.shield(self._status), LIMIT_SECONDS)
        except TimeoutError:
            return found
        return None if error.code() is grpc.StatusCode.OK else error


def _at_once(known: Coroutine[Any, Any, T]) -> T:
    """Run what has nothing to wait for, where nothing can be awaited."""
    try:
        known.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    known.close()
    msg = "a call that is done does not know its status"
    raise RuntimeError(msg)
