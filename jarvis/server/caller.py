"""The caller's side of a call: bounds the size of its messages, and notices a caller that has gone."""

import asyncio
import time
from asyncio import CancelledError
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from jarvis.server.context import REQUEST_ID
from jarvis.server.items import check_items
from jarvis_ports.errors import InvalidArgument, MessageTooLarge, SilentCaller, SlowReader

SILENT_SECONDS = 600.0
"""How long a caller may take to send its next message."""


class Caller:
    """Reads and writes the messages of one call.

    It serialises in place of gRPC, which would answer messages that it cannot read or send with statuses of
    its own, unseen by the code that measures the call.

    Args:
        context: gRPC's context of the call.
        deserialize: parses a message.
        serialize: serialises a message.
        max_bytes: the most bytes of a message that is received or sent.

    Attributes:
        waits_since: since when the caller has taken nothing of a message, by `time.monotonic`; None while
            none is being sent.
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
        self._task = asyncio.current_task()
        self._given_up = False
        self.waits_since: float | None = None

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
            MessageTooLarge: it has too many bytes, or items.
        """
        self._check_size("request", raw, "send less at once")
        try:
            message = self._deserialize(raw)
        except DecodeError as error:
            raise InvalidArgument.of("", f"not a valid message: {error}") from None
        check_items(message)
        return message

    async def only(self, raw: AsyncIterator[bytes]) -> Any:  # noqa: ANN401
        """Return the message of a stream that has one; raise what `read` raises.

        Raises:
            SilentCaller: it sends nothing for `SILENT_SECONDS`.
            CancelledError: the caller is gone.
        """
        with _noticing():
            message = await _next(raw)
        if message is None:
            raise InvalidArgument.of("", "there is no message")
        return self.read(message)

    async def each(self, raw: AsyncIterator[bytes]) -> AsyncIterator[Any]:
        """Yield each message of a stream; raise what `read` raises.

        Raises:
            SilentCaller: the caller sends nothing for `SILENT_SECONDS`, while a message is waited for.
        """
        while (message := await _next(raw)) is not None:
            yield self.read(message)

    async def write(self, message: Any) -> None:  # noqa: ANN401
        """Send a message.

        Raises:
            MessageTooLarge: it has too many bytes.
            SlowReader: `give_up` was called meanwhile.
            CancelledError: the caller is gone.
        """
        raw = self._serialize(message)
        self._check_size("answer", raw, "ask for less at once")
        self.waits_since = time.monotonic()
        try:
            await self._context.write(raw)
        except grpc.aio.BaseError as error:  # as with `_noticing`, which costs more than the rest of this
            raise CancelledError from error
        except CancelledError:
            if not self._given_up:
                raise
            assert self._task  # noqa: S101 - calls are served by tasks
            self._task.uncancel()
            raise SlowReader("the answer was not read for too long; read faster, or ask for less") from None
        finally:
            self.waits_since = None

    def give_up(self) -> None:
        """End the call, whose caller does not take what is being sent."""
        if self._task and not self._given_up:
            self._given_up = True
            self._task.cancel()

    def _check_size(self, what: str, raw: bytes, advice: str) -> None:
        if len(raw) > self._max_bytes:
            found = f"the {what} has {len(raw)} bytes, and server.max_message_bytes is {self._max_bytes}"
            raise MessageTooLarge.of("", f"{found}; {advice}")


async def _next(raw: AsyncIterator[bytes]) -> bytes | None:
    try:
        async with asyncio.timeout(SILENT_SECONDS):
            return await anext(raw, None)
    except TimeoutError:
        raise SilentCaller(f"nothing was sent for {SILENT_SECONDS:g} s; send what is left again") from None


@contextmanager
def _noticing() -> Iterator[None]:
    """Cancel the call if gRPC cannot send, because the caller has gone or the server has stopped."""
    try:
        yield
    except grpc.aio.BaseError as error:
        raise CancelledError from error
