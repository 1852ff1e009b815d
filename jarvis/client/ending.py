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
LATE_SECONDS = 0.5
"""Seconds to wait for it once the call's deadline has passed: a few in 10,000 such calls never get one."""


class Ending:
    """Keeps the first status of a call that grpcio did not make up."""

    def __init__(self, call: grpc.aio.Call) -> None:
        self._call = call
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
        left = self._call.time_remaining()
        seconds = LIMIT_SECONDS if left is None else min(LIMIT_SECONDS, left + LATE_SECONDS)
        try:
            error = await asyncio.wait_for(asyncio.shield(self._status), seconds)
        except TimeoutError:
            if self._call.time_remaining() != 0:  # None without a deadline
                return found
            late = grpc.StatusCode.DEADLINE_EXCEEDED
            return grpc.aio.AioRpcError(
                late, found.initial_metadata(), found.trailing_metadata(), "Deadline Exceeded"
            )
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
