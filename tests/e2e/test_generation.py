"""GenerationService over real gRPC."""

import asyncio

import grpc
import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2

USER = [pb.Message(role=pb.ROLE_USER, content="one two three")]


@pytest.fixture(scope="module")
async def server(start):
    async with start(
        "server.max_message_bytes=65536",
        "models.slow.adapter=echo",
        "models.slow.settings.tokens_per_second=20",
    ) as running:
        yield running


async def collect(call):
    return [event async for event in call]


async def active(server):
    return (await server.server.GetStatus(server_pb2.GetStatusRequest())).active_requests


async def idle(server):
    async with asyncio.timeout(1):
        while await active(server):
            await asyncio.sleep(0.01)


async def test_a_stream_is_started_then_deltas_then_finished(server):
    call = server.generation.GenerateStream(
        pb.GenerateStreamRequest(messages=USER, template=""), metadata=(("x-request-id", "mine"),)
    )
    events = await collect(call)

    assert [event.WhichOneof("event") for event in events] == [
        "started",
        "delta",
        "delta",
        "delta",
        "finished",
    ]
    assert events[0].started.request_id == "mine"
    assert events[0].started.model == "echo"
    assert events[0].started.prompt_tokens == 4
    assert "".join(event.delta.text for event in events) == "one two three"
    finished = events[-1].finished
    assert finished.reason == pb.FINISH_REASON_STOP
    assert (finished.usage.prompt_tokens, finished.usage.completion_tokens) == (4, 3)
    assert not finished.usage.HasField("cached_tokens")
    assert 0 < finished.timings.time_to_first_token_seconds <= finished.timings.total_seconds


async def test_each_choice_has_its_own_finished(server):
    request = pb.GenerateStreamRequest(prompt="a b", sampling=pb.SamplingParams(n=3))
    events = await collect(server.generation.GenerateStream(request))

    assert sorted(event.finished.index for event in events if event.HasField("finished")) == [0, 1, 2]


async def test_generate_returns_what_the_stream_would(server):
    request = pb.GenerateRequest(
        prompt="a b c d", sampling=pb.SamplingParams(max_tokens=2, n=2), return_token_ids=True
    )
    response = await server.generation.Generate(request)

    assert [(choice.index, choice.text) for choice in response.choices] == [(0, "a b"), (1, "a b")]
    assert [len(choice.token_ids) for choice in response.choices] == [2, 2]
    assert {choice.reason for choice in response.choices} == {pb.FINISH_REASON_LENGTH}
    assert response.usage.completion_tokens == 4
    assert response.request_id


async def test_a_matched_stop_is_told(server):
    request = pb.GenerateRequest(prompt="a b STOP c", sampling=pb.SamplingParams(stop=["STOP"]))
    choice = (await server.generation.Generate(request)).choices[0]

    assert (choice.text, choice.matched_stop) == ("a b ", "STOP")


async def test_tokens_are_counted(server):
    response = await server.generation.CountTokens(pb.CountTokensRequest(messages=USER))

    assert (response.model, response.tokens, response.context_length) == ("echo", 4, 4096)


S = pb.SamplingParams
BAD = {
    "neither prompt nor messages": ({}, "INVALID_ARGUMENT", ["prompt"]),
    "both": ({"prompt": "a", "messages": USER}, "INVALID_ARGUMENT", ["prompt"]),
    "empty prompt": ({"prompt": ""}, "INVALID_ARGUMENT", ["prompt"]),
    "empty message": (
        {"messages": [*USER, pb.Message(role=pb.ROLE_USER)]},
        "INVALID_ARGUMENT",
        ["messages[1].content"],
    ),
    "no role": ({"messages": [pb.Message(content="a")]}, "INVALID_ARGUMENT", ["messages[0].role"]),
    "unknown role": (
        {"messages": [pb.Message(role=99, content="a")]},
        "INVALID_ARGUMENT",
        ["messages[0].role"],
    ),
    "top_p": ({"prompt": "a", "sampling": S(top_p=7)}, "INVALID_ARGUMENT", ["sampling.top_p"]),
    "top_p 0": ({"prompt": "a", "sampling": S(top_p=0)}, "INVALID_ARGUMENT", ["sampling.top_p"]),
    "n": ({"prompt": "a", "sampling": S(n=0)}, "INVALID_ARGUMENT", ["sampling.n"]),
    "max_tokens": (
        {"prompt": "a", "sampling": S(max_tokens=-1)},
        "INVALID_ARGUMENT",
        ["sampling.max_tokens"],
    ),
    "nan": (
        {"prompt": "a", "sampling": S(temperature=float("nan"))},
        "INVALID_ARGUMENT",
        ["sampling.temperature"],
    ),
    "seed": ({"prompt": "a", "sampling": S(seed=-1)}, "INVALID_ARGUMENT", ["sampling.seed"]),
    "stop": ({"prompt": "a", "sampling": S(stop=["b", ""])}, "INVALID_ARGUMENT", ["sampling.stop[1]"]),
    "bias": (
        {"prompt": "a", "sampling": S(logit_bias={7: 101})},
        "INVALID_ARGUMENT",
        ["sampling.logit_bias[7]"],
    ),
    "lists": (
        {"prompt": "a", "sampling": S(stop_token_ids=range(65), bad_words=["b", ""])},
        "INVALID_ARGUMENT",
        ["sampling.stop_token_ids", "sampling.bad_words[1]"],
    ),
    "long": (
        {"prompt": "a", "sampling": S(stop=["b" * 1001], bad_words=["b" * 1000, "b" * 1001])},
        "INVALID_ARGUMENT",
        ["sampling.stop[0]", "sampling.bad_words[1]"],
    ),
    "two of a kind": (
        {"prompt": "a", "sampling": S(logprobs=1, logprob_token_ids=[5])},
        "INVALID_ARGUMENT",
        ["sampling.logprob_token_ids"],
    ),
    "min over max": (
        {"prompt": "a", "sampling": S(min_tokens=3, max_tokens=2)},
        "INVALID_ARGUMENT",
        ["sampling.min_tokens"],
    ),
    "two at once": (
        {"prompt": "a", "sampling": S(top_k=-1, n=65)},
        "INVALID_ARGUMENT",
        ["sampling.top_k", "sampling.n"],
    ),
    "no constraint": (
        {"prompt": "a", "structured_output": pb.StructuredOutput()},
        "INVALID_ARGUMENT",
        ["structured_output"],
    ),
    "beside a constraint": (
        {
            "prompt": "a",
            "structured_output": pb.StructuredOutput(regex="yes|no"),
            "sampling": S(ignore_eos=True, min_tokens=1, allowed_token_ids=[5]),
        },
        "INVALID_ARGUMENT",
        ["sampling.ignore_eos", "sampling.min_tokens", "sampling.allowed_token_ids"],
    ),
    "no choice": (
        {"prompt": "a", "structured_output": pb.StructuredOutput(choice=pb.Choices())},
        "INVALID_ARGUMENT",
        ["structured_output.choice"],
    ),
    "not honoured": (
        {"prompt": "a", "priority": 1, "sampling": S(temperature=0, logprobs=0)},
        "UNSUPPORTED_FIELD",
        ["priority", "sampling.logprobs", "sampling.temperature"],
    ),
    "context": ({"prompt": "a " * 5000}, "CONTEXT_LENGTH_EXCEEDED", ["prompt"]),
    "context with answer": (
        {"prompt": "a", "sampling": S(max_tokens=4096)},
        "CONTEXT_LENGTH_EXCEEDED",
        ["sampling.max_tokens"],
    ),
}


@pytest.mark.parametrize(("fields", "reason", "blamed"), BAD.values(), ids=BAD)
async def test_a_bad_request_names_its_fields_before_the_stream_begins(
    server, failure, fields, reason, blamed
):
    stream = server.generation.GenerateStream(pb.GenerateStreamRequest(**fields))
    assert await failure(stream) == ("INVALID_ARGUMENT", reason, blamed, None)

    call = server.generation.Generate(pb.GenerateRequest(**fields))
    assert await failure(call) == ("INVALID_ARGUMENT", reason, blamed, None)


async def test_an_unknown_model_is_not_found(server, failure):
    call = server.generation.Generate(pb.GenerateRequest(model="nope", prompt="a"))

    assert await failure(call) == ("NOT_FOUND", "MODEL_NOT_FOUND", ["model"], None)


@pytest.mark.parametrize("length", [129, 5_500, 15_000])
async def test_a_long_request_id_is_refused(server, failure, length):
    metadata = (("x-request-id", "i" * length),)
    call = server.generation.Generate(pb.GenerateRequest(prompt="a"), metadata=metadata)

    assert await failure(call) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT", ["x-request-id"], None)
    assert await call.details() == f"x-request-id: at most 128 characters, got {length}"
    assert dict(await call.trailing_metadata())["x-request-id"] == "i" * 128


@pytest.mark.parametrize(
    "sent", [b"\x12\x02\xff\xfe", b"\xff\xff\xff", b"\x0a\x05a"], ids=["utf8", "tag", "short"]
)
async def test_bytes_that_are_no_message_are_refused_and_the_server_goes_on(server, failure, sent):
    raw = server.channel.unary_unary("/jarvis.v1.GenerationService/Generate")
    assert (await failure(raw(sent)))[:2] == ("INVALID_ARGUMENT", "INVALID_ARGUMENT")

    assert (await server.generation.Generate(pb.GenerateRequest(prompt="a"))).choices


async def test_ids_come_back_in_the_metadata(server):
    call = server.generation.Generate(pb.GenerateRequest(prompt="a"), metadata=(("x-request-id", "abc"),))

    assert dict(await call.initial_metadata())["x-request-id"] == "abc"
    made = server.generation.Generate(pb.GenerateRequest(prompt="a"))
    assert dict(await made.initial_metadata())["x-request-id"] == (await made).request_id


async def test_cancelling_ends_the_request(server):
    call = server.generation.GenerateStream(pb.GenerateStreamRequest(model="slow", prompt="a b c " * 30))
    await call.read()
    assert await active(server) == 1
    call.cancel()

    await idle(server)


async def test_hanging_up_ends_the_request(server, connect):
    async with connect(server.instance.addresses[0]) as other:
        call = other.generation.GenerateStream(pb.GenerateStreamRequest(model="slow", prompt="a b c " * 30))
        await call.read()
        assert await active(server) == 1

    await idle(server)


async def test_a_deadline_ends_the_request(server):
    call = server.generation.GenerateStream(
        pb.GenerateStreamRequest(model="slow", prompt="a b c " * 30), timeout=0.2
    )
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await collect(call)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED

    await idle(server)


async def test_abort_ends_a_request_by_its_id(server, failure):
    request = pb.GenerateRequest(model="slow", prompt="a b c " * 30)
    call = server.generation.Generate(request, metadata=(("x-request-id", "victim"),))
    while not await active(server):
        await asyncio.sleep(0.01)

    assert (await server.server.Abort(server_pb2.AbortRequest(request_id="victim"))).aborted == 1
    assert await failure(call) == ("ABORTED", "REQUEST_ABORTED", [], None)
    gone = server.server.Abort(server_pb2.AbortRequest(request_id="victim"))
    assert await failure(gone) == ("NOT_FOUND", "REQUEST_NOT_FOUND", [], None)


async def test_a_caller_that_does_not_read_is_told_of_the_abort_when_it_does(server, failure, rest):
    request = pb.GenerateStreamRequest(prompt="word " * 10, sampling=S(ignore_eos=True, n=16))
    call = server.generation.GenerateStream(request, metadata=(("x-request-id", "unread"),))
    await call.read()
    await asyncio.sleep(0.5)
    assert await active(server) == 1, "the server waits to write"
    await server.server.Abort(server_pb2.AbortRequest(request_id="unread"))

    assert await failure(rest(call)) == ("ABORTED", "REQUEST_ABORTED", [], None)
    await idle(server)


async def test_a_reader_that_does_not_read_holds_up_no_one_else(server):
    stuck = server.generation.GenerateStream(
        pb.GenerateStreamRequest(prompt="word " * 10, sampling=S(ignore_eos=True, n=16))
    )
    await stuck.read()

    assert (await server.generation.Generate(pb.GenerateRequest(prompt="a"), timeout=5)).choices
    stuck.cancel()
    await idle(server)
