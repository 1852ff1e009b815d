"""Makes calls with a deadline, and repeats them if that helps."""
# ruff: noqa: ASYNC109 - these are gRPC deadlines, which the server sees too

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar

import grpc
from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_before_delay,
    wait_exponential,
    wait_random,
)

from jarvis import timeouts
from jarvis.client.channel import TLS
from jarvis.client.connecting import broken, why
from jarvis.client.ending import Ending
from jarvis.client.errors import REQUEST_ID_KEY, CannotConnect, JarvisClientError, from_rpc, invalid
from jarvis.client.retry_budget import RetryBudget

Request = TypeVar("Request")
Response = TypeVar("Response")
T = TypeVar("T")

Token = str | Callable[[], str]
"""What tells a server who calls: an API key, or a token; or a function that returns it for each call."""
Opened = tuple[grpc.aio.UnaryStreamCall[Request, Response], AsyncIterator[Response], Response | None]

reconnect_delay = wait_exponential(multiplier=0.25, max=5)
BROKEN = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.UNKNOWN,
    grpc.StatusCode.CANCELLED,
}
"""The codes of connections that break, from gRPC or what stands between; those of Jarvis have a reason."""
BROKEN_SECONDS = 0.1
"""How long it takes until a call with an idempotency key is made again after its connection broke."""
IDEMPOTENCY_KEY = "idempotency-key"
jitter = wait_random(0, 0.25)
"""The extra wait of a refused call, as a fraction of its delay, so that refused callers do not all come back
at once."""

QUIET_SECONDS = 2.0
"""How long a call waits to be made again without a word in the log."""
log = logging.getLogger("jarvis.client")

MAX_REQUEST_ID = 128
"""The most characters of a request id; the server takes no more, and gRPC refuses thousands unexplained."""


class Calls:
    """Makes the calls of one channel."""

    def __init__(  # noqa: PLR0913 - as `JarvisClient`
        self,
        channel: grpc.aio.Channel,
        address: str,
        token: Token | None,
        *,
        timeout: float | None,
        attempts: int,
        retry_budget: RetryBudget | None = None,
        tls: TLS | None = None,
    ) -> None:
        self._channel = channel
        self._tls = tls
        self._address = address
        self._token = token
        self._timeout = timeout
        self._attempts = attempts
        self._budget = retry_budget or RetryBudget()

    async def unary(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Response],
        request: Request,
        *,
        request_id: str | None = None,
        idempotency_key: str | None = None,
        timeout: float | None = None,
    ) -> Response:
        """Call a method that answers once; with a key, also again if the connection breaks."""
        key = []
        if idempotency_key is not None:
            key = [(IDEMPOTENCY_KEY, _sendable(IDEMPOTENCY_KEY, idempotency_key))]

        async def attempt(left: float | None) -> Response:
            metadata = [*self._metadata(request_id), *key]
            try:
                return await method(request, timeout=left, metadata=metadata)
            except grpc.aio.AioRpcError as error:
                explained = self._explain(error, request_id)
                if idempotency_key and not explained.reason and explained.code in BROKEN:
                    explained.retry_after = BROKEN_SECONDS
                raise explained from error

        return await self._repeat(attempt, timeout)

    async def stream(
        self,
        method: grpc.aio.UnaryStreamMultiCallable[Request, Response],
        request: Request,
        *,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> AsyncGenerator[Response, None]:
        """Call a method that answers with a stream; nothing is repeated after the first message."""

        async def attempt(left: float | None) -> Opened[Request, Response]:
            call = method(request, timeout=left, metadata=self._metadata(request_id))
            messages = aiter(call)
            try:
                return call, messages, await anext(messages, None)
            except grpc.aio.AioRpcError as error:
                raise self._explain(error, request_id) from error

        call, messages, message = await self._repeat(attempt, timeout)
        try:
            while message is not None:
                yield message
                message = await anext(messages, None)
        except grpc.aio.AioRpcError as error:
            raise self._explain(error, request_id) from error
        finally:
            call.cancel()

    async def duplex(
        self,
        method: grpc.aio.StreamStreamMultiCallable[Request, Response],
        requests: AsyncGenerator[Request, None],
        *,
        request_id: str | None = None,
        timeout: float | None = None,
    ) -> AsyncGenerator[Response, None]:
        """Call a method that takes a stream and answers with one; nothing is repeated.

        An error that `requests` raises ends the call, and is raised here.
        """
        limit = self.limit(timeout)
        call = method(timeout=limit, metadata=self._metadata(request_id))
        ending = Ending(call)
        sending = asyncio.create_task(_send(call, requests))
        try:
            async for message in call:
                yield message
        except grpc.aio.AioRpcError as found:
            if error := await ending.error(found):
                raise self._explain(error, request_id) from error
        except asyncio.CancelledError:
            if sending.done() and not sending.cancelled():
                sending.result()  # raises what cancelled the call
            raise
        finally:
            call.cancel()
            sending.cancel()
            await asyncio.wait([sending])

    async def _repeat(self, attempt: Callable[[float | None], Awaitable[T]], timeout: float | None) -> T:
        limit = self.limit(timeout)
        end = None if limit is None else time.monotonic() + limit
        stop = stop_after_attempt(self._attempts)
        last = stop if limit is None else stop | stop_before_delay(limit)
        retrying = AsyncRetrying(
            retry=retry_if_exception(_worth_repeating),
            wait=_delay,
            stop=lambda state: last(state) or self._out_of_budget(state),
            before_sleep=_tell,
            reraise=True,
        )

        async def in_time() -> T:
            try:
                found = await attempt(None if end is None else end - time.monotonic())
            except JarvisClientError as error:
                if error.retry_after is not None:
                    self._budget.refused()
                raise
            self._budget.succeeded()
            return found

        return await retrying(in_time)

    def _out_of_budget(self, state: RetryCallState) -> bool:
        """Return whether the budget alone forbids to repeat a call, and say so in its error.

        A call that never reached the server takes nothing from the budget, and may always be repeated.
        """
        error = state.outcome and state.outcome.exception()
        if isinstance(error, JarvisClientError) and error.retry_after is not None and self._budget.spent:
            error.out_of_budget()
            return True
        return False

    def limit(self, timeout: float | None) -> float | None:
        """Return the seconds that a call may take; None for any time.

        Raises:
            JarvisClientError: INVALID_ARGUMENT, gRPC cannot carry so many.
        """
        if timeout is None:
            return self._timeout
        try:
            timeouts.check(timeout)
        except ValueError as error:
            raise invalid("timeout", str(error)) from None
        return timeout

    def _metadata(self, request_id: str | None) -> list[tuple[str, str]]:
        metadata = []
        if self._token is not None:
            token = self._token() if callable(self._token) else self._token
            if not token:
                raise invalid("token", "is empty")
            metadata.append(("authorization", f"Bearer {_sendable('token', token)}"))
        if request_id is not None:
            if len(request_id) > MAX_REQUEST_ID:
                raise invalid(REQUEST_ID_KEY, f"at most {MAX_REQUEST_ID} characters, got {len(request_id)}")
            metadata.append((REQUEST_ID_KEY, _sendable(REQUEST_ID_KEY, request_id)))
        return metadata

    def _explain(self, error: grpc.aio.AioRpcError, request_id: str | None) -> JarvisClientError:
        explained = from_rpc(error, request_id=request_id or "")
        # A connection that breaks later leaves the channel idle, or ready on another connection. So may one
        # that could not be made, by the time a busy event loop hears of it: then gRPC's words tell.
        never_connected = (
            self._channel.get_state() is grpc.ChannelConnectivity.TRANSIENT_FAILURE
            or explained.message.startswith("failed to connect to all addresses")
        )
        if explained.code is grpc.StatusCode.UNAVAILABLE and not explained.reason and never_connected:
            message = f"cannot connect to {self._address}: {why(explained.message, self._tls)}"
            return CannotConnect(explained.code, message, request_id=explained.request_id)
        if (
            explained.code is grpc.StatusCode.UNAVAILABLE
            and not explained.reason
            and broken(explained.message)
        ):
            message = f"the connection to {self._address} broke; is the server running? ({explained.message})"
            return JarvisClientError(explained.code, message, request_id=explained.request_id)
        if explained.code is grpc.StatusCode.DEADLINE_EXCEEDED and not explained.reason:
            message = "the timeout passed before the answer was complete"
            return JarvisClientError(explained.code, message, request_id=explained.request_id)
        return explained


async def _send(
    call: grpc.aio.StreamStreamCall[Request, Response], requests: AsyncGenerator[Request, None]
) -> None:
    try:
        async with aclosing(requests):
            async for request in requests:
                await call.write(request)
        await call.done_writing()
    except (grpc.aio.AioRpcError, grpc.aio.InternalError, asyncio.InvalidStateError):
        return  # the call is over; the reader of its answers learns why
    except BaseException:
        call.cancel()
        raise


def _sendable(name: str, value: str) -> str:
    if not (value.isascii() and value.isprintable()):
        raise invalid(name, "only printable ASCII characters can be sent")
    return value


def _worth_repeating(error: BaseException) -> bool:
    return isinstance(error, JarvisClientError) and (
        isinstance(error, CannotConnect) or error.retry_after is not None
    )


def _delay(state: RetryCallState) -> float:
    error = state.outcome and state.outcome.exception()
    if isinstance(error, JarvisClientError) and error.retry_after is not None:
        return error.retry_after * (1 + jitter(state))
    return reconnect_delay(state)


def _tell(state: RetryCallState) -> None:
    """Log why a call is made again, and when, if that takes so long that it looks hung."""
    error = state.outcome and state.outcome.exception()
    if isinstance(error, JarvisClientError) and state.upcoming_sleep > QUIET_SECONDS:
        why_ = f"{error.reason or error.code.name}: {error.message}"
        log.info("refused for now (%s); trying again in %.0f s", why_, state.upcoming_sleep)
