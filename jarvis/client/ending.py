"""The status that the server ended a call with, which grpcio loses if a write fails because of it."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import grpc

T = TypeVar("T")

MADE_UP = (grpc.StatusCode.INTERNAL, "Internal error from Core")
"""The status that grpcio makes up if it cannot write: before the server's own arrives, or in its place.

https://github.com/grpc/grpc/blob/master/src/python/grpcio/grpc/_cython/_cygrpc/aio/call.pyx.pxi
"""
LIMIT_SECONDS = 5.0
"""Seconds to wait for the server's own status, which is on its way whenever a write fails."""


class Ending:
    """Keeps the first status of a call that grpcio did not make up."""

    def __init__(self, call: grpc.aio.Call) -> None:
        self._status = asyncio.get_running_loop().create_future()
        call.add_done_callback(self._note)

    def _note(self, call: Any) -> None:  # noqa: ANN401 - the stubs know another type than is passed
        """Keep the first real status of the call; called at each status, while the call still has it."""
        code, details = _at_once(call.code()), _at_once(call.details())
        if (code, details) == MADE_UP or self._status.done():
            return
        initial, trailing = _at_once(call.initial_metadata()), _at_once(call.trailing_metadata())
        self._status.set_result(grpc.aio.AioRpcError(code, initial, trailing, details))

    async def error(self, found: grpc.aio.AioRpcError) -> grpc.aio.AioRpcError | None:
        """Return the error that the call really failed with, instead of `found`; None if it did not fail."""
        if (found.code(), found.details()) != MADE_UP:
            return found
        try:
            error = await asyncio.wait_for(asyncio.shield(self._status), LIMIT_SECONDS)
        except TimeoutError:
            return found
        return None if error.code() is grpc.StatusCode.OK else error


def _at_once(known: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine that has nothing to wait for, from code that cannot await."""
    try:
        known.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    known.close()
    msg = "a call that is done does not know its status"
    raise RuntimeError(msg)
