"""What the real engine answers, through the contract."""

import json
import math

import pytest

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2
from tests.engine.support import read

pytestmark = pytest.mark.engine
S, SO = pb.SamplingParams, pb.StructuredOutput


def ask(text, **fields):
    return pb.GenerateRequest(messages=[pb.Message(role=pb.ROLE_USER, content=text)], **fields)


async def only(engine, text, **fields):
    (choice,) = (await engine.generation.Generate(ask(text, **fields))).choices
    return choice


async def test_it_answers_a_question(engine):
    choice = await only(engine, "What is the capital of France?", sampling=S(temperature=0, max_tokens=30))

    assert "Paris" in choice.text
    assert choice.reason == pb.FINISH_REASON_STOP


async def test_standard_error_has_nothing_but_json_and_vllm_is_in_it(engine):
    lines = read(engine.process.log)

    assert {"timestamp", "level", "logger", "message"} <= set.intersection(*map(set, lines))
    here = {line["logger"] for line in lines if "pid" not in line}
    assert {"jarvis.server.lifecycle", "vllm.config.model"} <= here
    inside = {line["logger"] for line in lines if line.get("process_name") == "EngineCore"}
    assert "vllm.v1.engine.core" in inside


async def test_a_stream_adds_up_to_the_answer_and_usage_counts_it(engine):
    fields = {"sampling": S(temperature=0, max_tokens=30), "return_token_ids": True, "template": ""}
    whole = await only(engine, "Name three colours.", **fields)
    request = ask("Name three colours.", **fields)
    stream = engine.generation.GenerateStream(pb.GenerateStreamRequest(messages=request.messages, **fields))
    events = [event async for event in stream]

    assert "".join(event.delta.text for event in events) == whole.text
    ids = [token_id for event in events for token_id in event.delta.token_ids]
    assert ids == list(whole.token_ids)
    deltas = sum(event.HasField("delta") for event in events)
    assert 3 < deltas <= len(ids), "tokens come as soon as they are there"
    usage = events[-1].finished.usage
    assert usage.completion_tokens == len(ids)
    assert usage.prompt_tokens == events[0].started.prompt_tokens
    counted = await engine.generation.CountTokens(pb.CountTokensRequest(messages=request.messages))
    assert counted.tokens == usage.prompt_tokens
    assert counted.context_length == 8192


async def test_the_prefix_cache_serves_a_prompt_that_comes_again(engine):
    prompt = pb.GenerateRequest(prompt="word " * 600, sampling=S(max_tokens=1))
    await engine.generation.Generate(prompt)

    assert (await engine.generation.Generate(prompt)).usage.cached_tokens >= 512


async def test_a_seed_repeats_itself_and_choices_differ(engine):
    sampling = S(temperature=1.5, seed=7, n=3, max_tokens=12)
    first = await engine.generation.Generate(ask("Tell me a story.", sampling=sampling))
    again = await engine.generation.Generate(ask("Tell me a story.", sampling=sampling))

    assert [choice.text for choice in first.choices] == [choice.text for choice in again.choices]
    assert len({choice.text for choice in first.choices}) > 1


async def test_logprobs_are_natural_logarithms_with_the_likeliest_first(engine):
    sampling = S(temperature=0, max_tokens=4, logprobs=3)
    choice = await only(engine, "Hello!", sampling=sampling, template="")

    assert len(choice.logprobs) == 4
    for position in choice.logprobs:
        assert position.top[0].token_id == position.token_id, "greedy takes the likeliest"
        assert [top.logprob for top in position.top] == sorted(
            (t.logprob for t in position.top), reverse=True
        )
        assert len(position.top) == 3
        assert sum(math.exp(top.logprob) for top in position.top) <= 1.0001
    assert "".join(position.token for position in choice.logprobs) == choice.text


async def test_a_json_schema_holds(engine):
    schema = {
        "type": "object",
        "properties": {"colour": {"enum": ["red", "blue"]}, "count": {"type": "integer", "maximum": 99}},
        "required": ["colour", "count"],
        "additionalProperties": False,
    }
    choice = await only(
        engine,
        "Give me a colour and a count, as JSON.",
        structured_output=SO(json_schema=json.dumps(schema)),
        sampling=S(temperature=0, max_tokens=60),
    )

    answer = json.loads(choice.text)
    assert answer["colour"] in {"red", "blue"}
    assert isinstance(answer["count"], int)


@pytest.mark.parametrize(
    ("constraint", "allowed"),
    [
        (SO(regex="[0-9]{3}"), str.isdigit),
        (SO(choice=pb.Choices(values=["left", "right"])), {"left", "right"}.__contains__),
        (SO(grammar='root ::= "yes" | "no"'), {"yes", "no"}.__contains__),
    ],
    ids=["regex", "choice", "grammar"],
)
async def test_a_constraint_holds(engine, constraint, allowed):
    assert allowed((await only(engine, "Well?", structured_output=constraint)).text)


async def test_stops_lengths_and_biases_are_honoured(engine):
    stopped = await only(engine, "What is 2+2?", sampling=S(temperature=0, stop=["4"], max_tokens=40))
    assert (stopped.matched_stop, "4" in stopped.text) == ("4", False)

    long = await only(engine, "Say hi.", sampling=S(ignore_eos=True, max_tokens=40), return_token_ids=True)
    assert (len(long.token_ids), long.reason) == (40, pb.FINISH_REASON_LENGTH)

    least = await only(
        engine, "Say hi.", sampling=S(temperature=0, min_tokens=25, max_tokens=30), return_token_ids=True
    )
    assert len(least.token_ids) >= 25

    biased = await only(
        engine, "Say hi.", sampling=S(logit_bias={30: 100}, max_tokens=3), return_token_ids=True
    )
    assert list(biased.token_ids) == [30, 30, 30]


async def test_a_raw_prompt_goes_on_as_it_is(engine):
    request = pb.GenerateRequest(prompt="1, 2, 3, 4, 5, 6,", sampling=S(temperature=0, max_tokens=3))

    assert (await engine.generation.Generate(request)).choices[0].text.startswith(" 7")


BAD = {
    "schema that is no JSON": (
        {"structured_output": SO(json_schema='{"type":')},
        "structured_output.json_schema",
    ),
    "schema of no type": (
        {"structured_output": SO(json_schema='{"type": "zzz"}')},
        "structured_output.json_schema",
    ),
    "regex": ({"structured_output": SO(regex="[0-9")}, "structured_output.regex"),
    "grammar": ({"structured_output": SO(grammar="root ::= ")}, "structured_output.grammar"),
    "undefined rule": ({"structured_output": SO(grammar="root ::= foo")}, "structured_output.grammar"),
    "greedy choices": ({"sampling": S(n=2, temperature=0)}, "sampling.n"),
    "token of no vocabulary": ({"sampling": S(logit_bias={999_999: 1})}, "sampling.logit_bias"),
}


@pytest.mark.parametrize(("fields", "blamed"), BAD.values(), ids=BAD)
async def test_what_only_the_engine_can_judge_names_its_field(engine, failure, fields, blamed):
    stream = engine.generation.GenerateStream(
        pb.GenerateStreamRequest(messages=ask("a").messages, **fields), timeout=30
    )

    assert await failure(stream) == ("INVALID_ARGUMENT", "INVALID_ARGUMENT", [blamed], None)


@pytest.mark.parametrize(
    ("request_", "blamed", "numbers"),
    [
        (pb.GenerateRequest(prompt="a " * 9000), "prompt", ["9001", "8192"]),
        (
            ask("hi", sampling=S(max_tokens=8190), template=""),
            "sampling.max_tokens",
            ["31", "8190", "8192"],
        ),
    ],
    ids=["prompt", "prompt and answer"],
)
async def test_what_does_not_fit_the_context_is_refused_with_both_numbers(
    engine, failure, request_, blamed, numbers
):
    call = engine.generation.Generate(request_)
    code, reason, fields, _ = await failure(call)

    assert (code, reason, fields) == ("INVALID_ARGUMENT", "CONTEXT_LENGTH_EXCEEDED", [blamed])
    for number in numbers:
        assert number in await call.details()


async def test_the_status_tells_how_it_runs(engine):
    (model,) = (await engine.server.GetStatus(server_pb2.GetStatusRequest())).models

    assert model.adapter == "vllm"
    assert model.settings["max_num_seqs"] == "64"
    assert model.settings["enable_prefix_caching"] == "True"
    assert model.settings["dtype"] == "float32"
