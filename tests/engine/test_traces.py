"""A caller's trace goes through the server and into the engine, as an OTLP receiver sees it."""

import asyncio

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
PRIVATE = "a text that nobody else may read"


class Receiver(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self):
        self.spans = []

    async def Export(self, request, context):  # noqa: N802 - as in the contract
        self.spans += [
            span for one in request.resource_spans for scope in one.scope_spans for span in scope.spans
        ]
        return otlp.ExportTraceServiceResponse()

    async def until(self, *names):
        """Wait for a span of each name; return them."""
        async with asyncio.timeout(30):
            while True:
                found = {span.name: span for span in self.spans if span.trace_id.hex() == TRACE}
                if set(names) <= found.keys():
                    return found
                await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
async def receiver():
    server = grpc.aio.server()
    receiver = Receiver()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(receiver, server)
    receiver.port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield receiver
    await server.stop(0)


@pytest.fixture(scope="module")
async def peer(serve, connect, ready, tiny, receiver, tmp_path_factory):
    folder = tmp_path_factory.mktemp("traces")
    endpoint = f"http://127.0.0.1:{receiver.port}"
    sets = [
        *tiny,
        "embedder.adapter=hashing",
        "store.adapter=memory",
        'retrieval.text_index=":memory:"',
        f'telemetry.settings.otlp_endpoint="{endpoint}"',
        f'models.tiny.settings.engine_args.otlp_traces_endpoint="{endpoint}"',
        "server.drain_delay_seconds=0",
    ]
    async with serve(folder, *sets) as server, connect(server.address) as connected:
        await ready(server, connected)
        connected.log = server.log
        yield connected


def attributes(span):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


async def test_a_callers_trace_has_the_servers_spans_and_the_engines(peer, receiver):
    await peer.retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name="docs"))
    request = pb.GenerateRequest(
        messages=[pb.Message(role=pb.ROLE_USER, content=PRIVATE)],
        sampling=pb.SamplingParams(max_tokens=4, ignore_eos=True, temperature=0.5),
        retrieval=pb.Retrieval(collection="docs"),
    )
    metadata = (("traceparent", f"00-{TRACE}-{CALLER}-01"), ("x-request-id", "mine"))
    await peer.generation.Generate(request, metadata=metadata)

    call, model = "jarvis.v1.GenerationService/Generate", "chat tiny"
    spans = await receiver.until(
        call, "prompting", "admission", "retrieval", "embeddings hashing", model, "llm_request"
    )
    parents = {name: span.parent_span_id.hex() for name, span in spans.items()}
    assert parents[call] == CALLER
    for name in ("prompting", "admission", "retrieval", model):
        assert parents[name] == spans[call].span_id.hex(), name
    assert parents["embeddings hashing"] == spans["retrieval"].span_id.hex()
    assert parents["llm_request"] == spans[model].span_id.hex(), "the engine's own span"

    assert attributes(spans[call])["jarvis.request_id"] == "mine"
    told = attributes(spans[model])
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.request.model"] == "tiny"
    assert told["gen_ai.request.temperature"] == 0.5
    assert told["gen_ai.usage.output_tokens"] == 4
    assert told["gen_ai.usage.input_tokens"] > 4
    assert PRIVATE not in str(receiver.spans), "texts are private"
    assert f'"trace_id":"{TRACE}"' in peer.log.read_text()


async def test_what_the_caller_does_not_sample_is_not_sent(peer, receiver):
    metadata = (("traceparent", f"00-{'ab' * 16}-{CALLER}-00"),)
    request = pb.GenerateRequest(prompt="a", sampling=pb.SamplingParams(max_tokens=1))
    await peer.generation.Generate(request, metadata=metadata)
    await peer.generation.Generate(request, metadata=(("traceparent", f"00-{TRACE}-{CALLER}-01"),))

    await receiver.until("text_completion tiny")
    assert "ab" * 16 not in {span.trace_id.hex() for span in receiver.spans}
