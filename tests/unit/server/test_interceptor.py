"""What a call is measured with where gRPC cannot send what was written."""

import asyncio
import logging
from types import SimpleNamespace
from unittest.mock import Mock

import grpc
import pytest

from jarvis.core.principal import Role
from jarvis.core.telemetry.instruments import Instruments
from jarvis.server.gate import Gate
from jarvis.server.interceptor import CallInterceptor
from jarvis.v1 import generation_pb2 as pb
from tests.unit.core.unmetered import unmetered

METHOD = "/jarvis.v1.GenerationService/Any"
KINDS = {
    "one answer": grpc.unary_unary_rpc_method_handler,
    "a stream": grpc.unary_stream_rpc_method_handler,
}


class Context:
    """gRPC's own of a call, whose caller is gone from its `gone`-th message on."""

    def __init__(self, *, remaining=None, gone=9):
        self.remaining = remaining
        self.gone = gone
        self.written = []
        self.aborted = None

    def invocation_metadata(self):
        return ()

    def time_remaining(self):
        return self.remaining

    async def send_initial_metadata(self, metadata):
        self._send(metadata)

    async def write(self, message):
        self._send(message)

    def _send(self, what):
        if len(self.written) >= self.gone:
            raise grpc.aio.InternalError
        self.written.append(what)

    def set_trailing_metadata(self, metadata):
        pass

    async def abort(self, code, message, trailing):
        self._send(trailing)
        self.aborted = code
        raise grpc.aio.AbortError


async def sent(*messages):
    for message in messages:
        yield message


@pytest.fixture(params=KINDS)
def call(request, caplog):
    """Make a call; gives the line about it in the log."""
    caplog.set_level(logging.DEBUG)

    async def call(context, raw=b""):
        async def behaviour(message, caller):
            if request.param == "a stream":
                await caller.write(pb.GenerateResponse(model="m"))
                return None
            return pb.GenerateResponse(model="m")

        make = KINDS[request.param]
        handler = make(behaviour, pb.GenerateRequest.FromString, pb.GenerateResponse.SerializeToString)

        async def found(_):
            return handler

        gate = Gate(None, {METHOD.removeprefix("/"): (Role.INFER,)})
        load = Mock(failed=Mock(return_value=()))
        settings = SimpleNamespace(max_message_bytes=1000, slow_reader_seconds=60)
        interceptor = CallInterceptor(gate, unmetered(), Instruments(), load, settings)
        wrapped = await interceptor.intercept_service(found, SimpleNamespace(method=METHOD))
        try:
            await wrapped.stream_stream(sent(raw), context)
        except asyncio.CancelledError:
            ended = "cancelled"
        else:
            ended = "answered"
        (line,) = [vars(record) for record in caplog.records if record.msg == "call ended"]
        assert not [record for record in caplog.records if record.levelno > logging.INFO]
        return line["code"], ended

    return call


async def test_an_answer_that_was_sent_is_ok(call):
    context = Context()
    assert await call(context) == ("OK", "answered")
    assert pb.GenerateResponse.FromString(context.written[1]).model == "m"


@pytest.mark.parametrize("gone", [0, 1], ids=["before the answer", "at the answer"])
async def test_a_caller_that_is_gone_left_and_nothing_broke(call, gone):
    context = Context(gone=gone)
    assert await call(context) == ("CANCELLED", "cancelled")
    assert context.aborted is None


async def test_a_caller_that_is_gone_before_it_is_refused_leaves_no_error(call):
    context = Context(gone=1)
    assert await call(context, b"no message") == ("INVALID_ARGUMENT", "cancelled")
    assert context.aborted is None


@pytest.mark.parametrize("gone", [0, 1, 9], ids=["before the answer", "at the answer", "after it"])
async def test_a_call_whose_deadline_passed_is_measured_as_late(call, gone):
    code, _ = await call(Context(remaining=0, gone=gone))
    assert code == "DEADLINE_EXCEEDED"
