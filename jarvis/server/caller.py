"""The other side of a call: what it sends and is sent is bounded, and that it is gone is noticed."""

from asyncio import CancelledError
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from jarvis.server.context import REQUEST_ID
from jarvis_ports.errors import InvalidArgument, MessageTooLarge


class Caller:
    """Reads and writes the messages of one call.

    It serialises, and not gRPC, which answers what it cannot read or send with statuses of its own, behind
    the back of whoever measures the call.

    Args:
        context: gRPC's own of the call.
        deserialize: reads a message.
        serialize: writes one.
        max_bytes: the largest that is taken or sent.
    """

    def __init__(
        self,
        context: grpc.aio.ServicerContext[Any, Any],
        deserialize: Callable[[bytes], Any],
        serialize: Callable[[Any], bytes],
        max_bytes: int,
    ) -> None:
        self._context = context
        self._deserialize = deserialize
        self._serialize = serialize
        self._max_bytes = max_bytes

    async def begin(self, request_id: str) -> None:
        """Send the call's id to the caller.

        Raises:
            CancelledError: the caller is gone.
        """
        with _noticing():
            await self._context.send_initial_metadata(((REQUEST_ID, request_id),))

    def read(self, raw: bytes) -> Any:  # noqa: ANN401
        """Read a message.

        Raises:
            InvalidArgument: it is none.
            MessageTooLarge: it has too many bytes.
        """
        self._check_size("request", raw, "send less at once")
        try:
            return self._deserialize(raw)
        except DecodeError as error:
            raise InvalidArgument.of("", f"not a valid message: {error}") from None

    async def each(self, raw: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        """Read a stream of messages; raises what `read` does."""
        async for message in raw:
            yield self.read(message)

    async def write(self, message: Any) -> None:  # noqa: ANN401
        """Send a message.

        Raises:
            MessageTooLarge: it has too many bytes.
            CancelledError: the caller is gone.
        """
        raw = self._serialize(message)
        self._check_size("answer", raw, "ask for less at once")
        with _noticing():
            await self._context.write(raw)

    def _check_size(self, what: str, raw: bytes, advice: str) -> None:
        if len(raw) > self._max_bytes:
            found = f"the {what} has {len(raw)} bytes, and server.max_message_bytes is {self._max_bytes}"
            raise MessageTooLarge.of("", f"{found}; {advice}")


@contextmanager
def _noticing() -> Iterator[None]:
    """Cancel the call where gRPC cannot send: its caller is gone, or the server is stopped."""
    try:
        yield
    except grpc.aio.BaseError as error:
        raise CancelledError from error
