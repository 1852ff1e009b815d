"""Random requests, and mutated ones: each ends with a documented status, and the server goes on."""

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jarvis.v1 import generation_pb2 as pb

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

DOCUMENTED = {"OK", "INVALID_ARGUMENT", "NOT_FOUND", "DEADLINE_EXCEEDED"}
VALID = pb.GenerateRequest(prompt="Hello", sampling=pb.SamplingParams(max_tokens=1))
MAYBE = st.none()

# Just off the mark as often as far from it; max_tokens is small so that what is valid ends soon.
floats = st.floats(width=32) | st.sampled_from([0.0, 0.5, 1.0])
ints = st.integers(-(2**31), 2**31 - 1) | st.integers(-1, 70)
texts = st.text(max_size=40) | st.sampled_from(["hello", '{"type": "object"}', "[0-9]+", 'root ::= "a"'])
samplings = st.builds(
    pb.SamplingParams,
    temperature=MAYBE | floats,
    top_p=MAYBE | floats,
    top_k=MAYBE | ints,
    min_p=MAYBE | floats,
    presence_penalty=MAYBE | floats,
    frequency_penalty=MAYBE | floats,
    repetition_penalty=MAYBE | floats,
    max_tokens=st.integers(-1, 4),
    min_tokens=MAYBE | st.integers(-1, 4),
    stop=st.lists(texts, max_size=3),
    seed=MAYBE | st.integers(-(2**63), 2**63 - 1),
    n=MAYBE | st.integers(-1, 3),
    logprobs=MAYBE | st.integers(-1, 21),
    logit_bias=st.dictionaries(st.integers(0, 60_000), floats, max_size=3),
    ignore_eos=MAYBE | st.booleans(),
)
constraints = st.one_of(
    st.just(pb.StructuredOutput()),
    st.builds(pb.StructuredOutput, json_schema=texts),
    st.builds(pb.StructuredOutput, regex=texts),
    st.builds(pb.StructuredOutput, grammar=texts),
    st.lists(texts, max_size=3).map(lambda values: pb.StructuredOutput(choice=pb.Choices(values=values))),
)
inputs = st.one_of(
    st.fixed_dictionaries({"prompt": texts}),
    st.fixed_dictionaries(
        {"messages": st.lists(st.builds(pb.Message, role=st.integers(0, 4), content=texts), max_size=3)}
    ),
    st.just({}),
)
requests = st.builds(
    lambda input_, **rest: pb.GenerateRequest(**input_, **rest),
    inputs,
    model=MAYBE | st.sampled_from(["", "tiny", "no such model"]),
    sampling=samplings,
    structured_output=MAYBE | constraints,
    priority=MAYBE | ints,
    return_token_ids=MAYBE | st.booleans(),
)


@st.composite
def mutated(draw):
    """The bytes of a request, some of them changed, and perhaps cut short."""
    sent = bytearray(draw(requests).SerializeToString())
    if sent:
        for position, byte in draw(
            st.lists(st.tuples(st.integers(0, len(sent) - 1), st.integers(0, 255)), max_size=4)
        ):
            sent[position] = byte
    return bytes(sent[: draw(st.integers(0, len(sent)))])


SENT = given(sent=st.one_of(requests.map(lambda request: request.SerializeToString()), mutated()))
FEW = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.function_scoped_fixture,
        HealthCheck.data_too_large,
    ],
)
METHODS = pytest.mark.parametrize("method", ["Generate", "GenerateStream"])


async def ends_with_a_documented_status(observed, method, sent):
    kind = observed.channel.unary_unary if method == "Generate" else observed.channel.unary_stream
    call = kind(f"/jarvis.v1.GenerationService/{method}")(sent, timeout=10)
    try:
        if method == "Generate":
            await call
        else:
            async for _ in call:
                pass
    except grpc.aio.AioRpcError as error:
        if error.code().name not in DOCUMENTED:
            raise

    assert (await observed.generation.Generate(VALID, timeout=60)).choices


@FEW
@SENT
@METHODS
async def test_each_ends_with_a_documented_status(observed, method, sent):
    await ends_with_a_documented_status(observed, method, sent)


@pytest.mark.long
@pytest.mark.timeout(7200)
@settings(FEW, max_examples=5000, derandomize=False)
@SENT
@METHODS
async def test_each_of_thousands_ends_with_a_documented_status(observed, method, sent):
    await ends_with_a_documented_status(observed, method, sent)
