"""Around every call of the contract: ids in and out, errors into statuses, and it is measured."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError

from jarvis.core.instruments import Instruments
from jarvis.server import context as calls
from jarvis.server.errors import internal, to_status
from jarvis.server.measured import Calls
from jarvis_ports.errors import InvalidArgument, JarvisError

logger = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
Behaviour = Callable[[Any, Context], Awaitable[Any]]


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps unary and streaming methods alike; one that streams its answer writes with `context.write`.

    Args:
        instruments: measure the calls.
    """

    def __init__(self, instruments: Instruments) -> None:
        self._calls = Calls(instruments)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:  # noqa: ANN401 - grpc's own handler types are private
        """Wrap the handler of a method of ours; health and reflection stay as they are."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None or not method.startswith("/jarvis."):
            return handler
        make, behaviour = HANDLERS[handler.request_streaming, handler.response_streaming]
        wrapped = self._wrap(
            getattr(handler, behaviour),
            handler.request_deserializer,
            method.removeprefix("/"),
            stream=handler.response_streaming,
        )
        return make(wrapped, request_deserializer=None, response_serializer=handler.response_serializer)

    def _wrap(
        self, behaviour: Behaviour, deserialize: Callable[[bytes], Any], method: str, *, stream: bool
    ) -> Behaviour:
        async def wrapped(raw: bytes | AsyncIterator[bytes], context: Context) -> Any:  # noqa: ANN401
            try:
                with self._calls.measured(method, stream=stream, grpc_context=context) as call:
                    calls.check(call)
                    await context.send_initial_metadata(((calls.REQUEST_ID, call.request_id),))
                    request = _parsed(deserialize, raw) if isinstance(raw, bytes) else _each(deserialize, raw)
                    return await behaviour(request, context)
            except JarvisError as error:
                await _abort(context, *to_status(error, call.request_id), call.request_id)
            except grpc.aio.AbortError:
                raise
            except Exception:
                logger.exception("%s failed", method)
                await _abort(context, *internal(call.request_id), call.request_id)

        return wrapped


HANDLERS: Any = {
    (False, False): (grpc.unary_unary_rpc_method_handler, "unary_unary"),
    (False, True): (grpc.unary_stream_rpc_method_handler, "unary_stream"),
    (True, True): (grpc.stream_stream_rpc_method_handler, "stream_stream"),
}
"""By whether the request and the response are streams."""


def _parsed(deserialize: Callable[[bytes], Any], raw: bytes) -> Any:  # noqa: ANN401
    """Parse here, and not in gRPC, which would answer bytes that are no message with INTERNAL."""
    try:
        return deserialize(raw)
    except DecodeError as error:
        raise InvalidArgument.of("", f"not a valid message: {error}") from None


async def _each(deserialize: Callable[[bytes], Any], raw: AsyncIterator[bytes]) -> AsyncIterator[Any]:
    async for message in raw:
        yield _parsed(deserialize, message)


async def _abort(context: Context, code: grpc.StatusCode, status: Any, request_id: str) -> None:  # noqa: ANN401
    trailing = (
        ("grpc-status-details-bin", status.SerializeToString()),
        (calls.REQUEST_ID, request_id),
    )
    await context.abort(code, status.message, trailing)
