"""Wraps every call of the contract: passes ids in and out, turns errors into statuses, and measures it."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from jarvis.core.metering import Metering
from jarvis.core.principal import principal
from jarvis.core.telemetry.instruments import Instruments
from jarvis.server import context as calls
from jarvis.server.caller import Caller
from jarvis.server.errors import abort, internal, to_status
from jarvis.server.gate import Gate, behind
from jarvis.server.load import Load
from jarvis.server.measured import Calls
from jarvis.server.services import SERVER_SERVICE
from jarvis.server.settings import ServerSettings
from jarvis.server.slow import SlowReaders
from jarvis_ports.errors import JarvisError

logger = logging.getLogger(__name__)

Context = grpc.aio.ServicerContext[Any, Any]
Behaviour = Callable[[Any, Any], Awaitable[Any]]


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps unary and streaming methods; one that streams its answer writes it with `context.write`.

    Args:
        gate: lets callers in.
        metering: counts their requests.
        instruments: measure the calls.
        load: is told of those who may call with the end of their calls.
        settings: the largest message, and how slowly an answer may be read.
    """

    def __init__(
        self,
        gate: Gate,
        metering: Metering,
        instruments: Instruments,
        load: Load,
        settings: ServerSettings,
    ) -> None:
        self._gate = gate
        self._metering = metering
        self._load = load
        self._calls = Calls(instruments)
        self._max_message_bytes = settings.max_message_bytes
        self._slow_readers = SlowReaders(settings.slow_reader_seconds)

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:  # noqa: ANN401 - grpc's own handler types are private
        """Wrap the handler of one of Jarvis's own methods; put only the gate before health and reflection."""
        handler = await continuation(handler_call_details)
        method = handler_call_details.method
        if handler is None:
            return None
        if not method.startswith("/jarvis."):
            return behind(self._gate, handler, method.removeprefix("/"), self._max_message_bytes)
        behaviour = BEHAVIOURS[handler.request_streaming, handler.response_streaming]
        # A single request is read as a stream of one message, so that nothing is read of those who may not
        # call; and a single answer is written as one, so that it is known what became of it.
        wrapped = self._wrap(getattr(handler, behaviour), handler, method.removeprefix("/"))
        return grpc.stream_stream_rpc_method_handler(wrapped)

    def _wrap(self, behaviour: Behaviour, handler: Any, method: str) -> Behaviour:  # noqa: ANN401
        streams = handler.response_streaming
        works = not method.startswith(f"{SERVER_SERVICE}/")

        async def wrapped(raw: AsyncIterator[bytes], context: Context) -> None:
            caller = Caller(
                context, handler.request_deserializer, handler.response_serializer, self._max_message_bytes
            )
            let_in = False
            try:
                with self._calls.measured(method, stream=streams, grpc_context=context) as call:
                    calls.enter(call, await self._gate.identify(method, context))
                    self._gate.check(method, principal.get())
                    calls.check(call)
                    if let_in := works:
                        self._load.began()
                        await self._metering.request(principal.get().name)
                    await caller.begin(call.request_id)
                    request = caller.each(raw) if handler.request_streaming else await caller.only(raw)
                    with self._slow_readers.watching(caller):
                        answer = await behaviour(request, caller)
                        if not streams:
                            await caller.write(answer)
                if let_in:
                    context.set_trailing_metadata(self._load.trailing(call.facts.get("model")))
            except JarvisError as error:
                load = self._load.failed(error) if let_in else ()
                await abort(context, *to_status(error, call.request_id), call.request_id, load)
            except Exception:
                logger.exception("%s failed", method)
                load = self._load.failed() if let_in else ()
                await abort(context, *internal(call.request_id), call.request_id, load)

        return wrapped


BEHAVIOURS = {
    (False, False): "unary_unary",
    (False, True): "unary_stream",
    (True, True): "stream_stream",
}
"""The attribute that holds a handler's method, by whether the request and the response are streams."""
