"""A caller's trace goes through the server and into the engine, as an OTLP receiver sees it."""

import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import retrieval_pb2

pytestmark = pytest.mark.engine

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLER = "00f067aa0ba902b7"
PRIVATE = "a text that nobody else may read"


def attributes(span):
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in span.attributes}


async def test_a_callers_trace_has_the_servers_spans_and_the_engines(observed, receiver):
    await observed.retrieval.CreateCollection(retrieval_pb2.CreateCollectionRequest(name="traced"))
    request = pb.GenerateRequest(
        messages=[pb.Message(role=pb.ROLE_USER, content=PRIVATE)],
        sampling=pb.SamplingParams(max_tokens=4, ignore_eos=True, temperature=0.5),
        retrieval=pb.Retrieval(collection="traced"),
    )
    metadata = (("traceparent", f"00-{TRACE}-{CALLER}-01"), ("x-request-id", "mine"))
    await observed.generation.Generate(request, metadata=metadata)

    call, model = "jarvis.v1.GenerationService/Generate", "chat tiny"
    embeddings = "embeddings all-minilm-l6-v2"
    spans = await receiver.until(
        TRACE,
        call,
        "prompting",
        "admission",
        "retrieval",
        "embeddings all-minilm-l6-v2",
        model,
        "llm_request",
    )
    parents = {name: span.parent_span_id.hex() for name, span in spans.items()}
    assert parents[call] == CALLER
    for name in ("prompting", "admission", "retrieval", model):
        assert parents[name] == spans[call].span_id.hex(), name
    assert parents[embeddings] == spans["retrieval"].span_id.hex()
    assert parents["llm_request"] == spans[model].span_id.hex(), "the engine's own span"

    assert attributes(spans[call])["jarvis.request_id"] == "mine"
    told = attributes(spans[model])
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.request.model"] == "tiny"
    assert told["gen_ai.request.temperature"] == 0.5
    assert told["gen_ai.usage.output_tokens"] == 4
    assert told["gen_ai.usage.input_tokens"] > 4
    assert PRIVATE not in str(receiver.spans), "texts are private"
    assert f'"trace_id":"{TRACE}"' in observed.process.log.read_text()


async def test_what_the_caller_does_not_sample_is_not_sent(observed, receiver):
    metadata = (("traceparent", f"00-{'ab' * 16}-{CALLER}-00"),)
    request = pb.GenerateRequest(prompt="a", sampling=pb.SamplingParams(max_tokens=1))
    await observed.generation.Generate(request, metadata=metadata)
    await observed.generation.Generate(request, metadata=(("traceparent", f"00-{TRACE}-{CALLER}-01"),))

    await receiver.until(TRACE, "text_completion tiny")
    assert "ab" * 16 not in {span.trace_id.hex() for span in receiver.spans}
