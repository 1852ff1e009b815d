"""The caller's side of a call: bounds the size of its messages, and notices a caller that has gone."""

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

    It serialises in place of gRPC, which would answer messages that it cannot read or send with statuses of
    its own, unseen by the code that measures the call.

    Args:
        context: gRPC's context of the call.
        deserialize: parses a message.
        serialize: serialises a message.
        max_bytes: the most bytes of a message that is received or sent.
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
            InvalidArgument: `raw` is not a valid message.
            MessageTooLarge: it has too many bytes.
        """
        self._check_size("request", raw, "send less at once")
        try:
            return self._deserialize(raw)
        except DecodeError as error:
            raise InvalidArgument.of("", f"not a valid message: {error}") from None

    async def only(self, raw: AsyncIterator[bytes]) -> Any:  # noqa: ANN401
        """Return the message of a stream that has one; raise what `read` raises.

        Raises:
            CancelledError: the caller is gone.
        """
        with _noticing():
            message = await anext(raw, None)
        if message is None:
            raise InvalidArgument.of("", "there is no message")
        return self.read(message)

    async def each(self, raw: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        """Yield each message of a stream; raise what `read` raises."""
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
    """Cancel the call if gRPC cannot send, because the caller has gone or the server has stopped."""
    try:
        yield
    except grpc.aio.BaseError as error:
        raise CancelledError from error
