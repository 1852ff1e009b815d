"""One tiny model that sees, whose server is looked at from all sides."""

import asyncio
import re

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

from bench import tiny_vision

PATIENT = [
    "slo.availability.objective=0.95",
    "slo.latency.threshold_seconds=120",
    "slo.time_to_first_token.objective=0.9",
    "slo.time_to_first_token.threshold_seconds=10",
]
"""Objectives that a busy machine keeps, with callers that give up; when alerts fire is shown elsewhere."""


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    """Receives spans over OTLP."""

    def __init__(self):
        self.spans = []

    async def Export(self, request, context):  # noqa: N802 - as in the contract
        self.spans += [
            span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans
        ]
        return otlp.ExportTraceServiceResponse()

    async def until(self, trace, *names):
        """Wait for a span of each name; return them."""
        async with asyncio.timeout(30):
            while True:
                found = {span.name: span for span in self.spans if span.trace_id.hex() == trace}
                if set(names) <= found.keys():
                    return found
                await asyncio.sleep(0.1)


@pytest.fixture(scope="session")
async def receiver():
    server = grpc.aio.server()
    receiver = Receiver()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)
    receiver.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield receiver
    await server.stop(0)


@pytest.fixture(scope="session")
async def observed(tmp_path_factory, connect, share, tiny_folder, receiver):
    """The default configuration, but for the model and a log of everything; traces go to `receiver`."""
    folder = tmp_path_factory.mktemp("observed")
    endpoint = f"http://127.0.0.1:{receiver.port}"
    settings = "models.tiny.settings"
    sets = [
        f'{settings}.model="{tiny_vision.make(folder / "model", tiny_folder)}"',
        f"{settings}.dtype=float32",
        f"{settings}.engine_args.kv_cache_memory_bytes={2**28}",
        f'{settings}.engine_args.otlp_traces_endpoint="{endpoint}"',
        f'telemetry.settings.otlp_endpoint="{endpoint}"',
        *PATIENT,
        *("reranker.adapter=llm", "reranker.model=tiny", "log.level=debug"),
        *("images.max_images=100", "images.max_pixels=100000000"),
        'prompts.templates.mine={text="Help {{ name }}.", variables={name="x"}}',
    ]
    async with share(folder, connect, *sets) as peer:
        peer.objectives = PATIENT
        (peer.metrics,) = re.findall(r"/metrics, .* are on http://([\d.:]+)", peer.process.log.read_text())
        yield peer
