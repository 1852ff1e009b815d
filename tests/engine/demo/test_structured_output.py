"""Constraints on the real engine: what they mean, and what a bad one does to others, which is nothing."""

import asyncio
import json
import re
from collections import Counter
from contextlib import asynccontextmanager

import grpc
import pytest
from grpc_health.v1 import health_pb2

from jarvis.v1 import generation_pb2 as pb
from jarvis.v1 import server_pb2

pytestmark = pytest.mark.engine
S, SO = pb.SamplingParams, pb.StructuredOutput


def schema(value):
    return SO(json_schema=json.dumps(value))


OBEYED = {
    "xgrammar would take it": (schema({"enum": ["red", "blue"]}), {'"red"', '"blue"'}.__contains__),
    "allOf": (
        schema({"allOf": [{"type": "string"}, {"enum": ["yes", "no"]}]}),
        {'"yes"', '"no"'}.__contains__,
    ),
    "multipleOf": (
        schema({"type": "integer", "multipleOf": 7, "minimum": 0, "maximum": 99}),
        lambda text: int(text) % 7 == 0,
    ),
    "flags": (SO(regex="(?i)yes|no"), lambda text: re.fullmatch("(?i)yes|no", text)),
}
REFUSED = {
    "not": (schema({"not": {}}), "/not: this keyword is not honoured"),
    "remote": (schema({"$ref": "https://example.com/s.json"}), "/$ref: refers to what is not in the schema"),
    "cycle": (schema({"$ref": "#"}), "/$ref: no text matches it"),
    "cycle of definitions": (
        schema({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}),
        "/$defs/a/$ref: no text matches it",
    ),
    "rule of itself": (SO(grammar="root ::= root"), "no text matches it"),
    "explodes": (schema({"type": "integer", "multipleOf": 1234567}), "takes more than 0.5 s of CPU time"),
    "many items": (schema({"enum": [f"number {i}" for i in range(100_000)]}), "bytes; at most 65536"),
    "many properties": (
        schema({"properties": {f"p{i}": {} for i in range(3000)}}),
        "3000 properties; at most 500",
    ),
    "deep": (SO(json_schema="[" * 10_000 + "]" * 10_000), "is nested deeper than 64"),
    "many choices": (SO(choice=pb.Choices(values=map(str, range(9000)))), "has 9000 choices; at most 2000"),
    "a pattern that is none": (SO(regex="[0-9"), "unclosed character class at character 1"),
    "becomes too complex": (
        SO(grammar='start: a{1,1000}\na: b{1,1000}\nb: c{1,1000}\nc: "a"'),
        "became too complex for the engine after",
    ),
}


def ask(output, kind=pb.GenerateRequest, **sampling):
    messages = [pb.Message(role=pb.ROLE_USER, content="Say something.")]
    return kind(messages=messages, template="", structured_output=output, sampling=S(**sampling))


async def refused(engine, output):
    """Return what a request is refused with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await engine.generation.Generate(ask(output, max_tokens=300, temperature=2, seed=1), timeout=60)
    return caught.value.code().name, caught.value.details()


@asynccontextmanager
async def others(engine):
    """Run another caller's stream, and ask for health; yield how many answers of each have come so far."""
    heard = Counter()

    async def watch():
        while True:
            await engine.health.Check(health_pb2.HealthCheckRequest())
            heard["health"] += 1
            await asyncio.sleep(0.01)

    call = engine.generation.GenerateStream(
        ask(None, pb.GenerateStreamRequest, ignore_eos=True, max_tokens=8000)
    )

    async def read():
        async for _ in call:
            heard["stream"] += 1

    tasks = [asyncio.create_task(work()) for work in (read, watch)]
    try:
        while not heard["stream"]:
            await asyncio.sleep(0.05)
        yield heard
    finally:
        call.cancel()
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.mark.parametrize("order", [list(OBEYED), list(OBEYED)[::-1]], ids=["one way", "the other way"])
async def test_a_constraint_means_the_same_whatever_was_asked_before(engine, order):
    for name in order:
        output, allowed = OBEYED[name]
        answer = await engine.generation.Generate(ask(output, n=25, temperature=2, max_tokens=12))
        texts = [choice.text for choice in answer.choices if choice.reason == pb.FINISH_REASON_STOP]

        assert len(texts) > 15, name
        assert [text for text in texts if not allowed(text)] == [], name
        assert (await refused(engine, REFUSED["not"][0]))[0] == "INVALID_ARGUMENT"


async def test_bad_constraints_are_their_callers_and_hold_up_nobody(engine):
    budgets = await spent(engine)
    async with others(engine) as heard:
        for name, (output, said) in REFUSED.items():
            code, details = await refused(engine, output)

            assert code == "INVALID_ARGUMENT", name
            assert said in details, name
        assert "ab" in (await engine.generation.Generate(ask(SO(regex="ab"), max_tokens=5))).choices[0].text
        assert await spent(engine) == budgets
        before = heard.copy()
        together = await asyncio.gather(*(refused(engine, REFUSED["explodes"][0]) for _ in range(8)))
        meanwhile = heard - before

    # Held up until the end, they would have been heard once or twice.
    assert min(meanwhile["health"], meanwhile["stream"]) > 3, meanwhile
    (model,) = (await engine.server.GetStatus(server_pb2.GetStatusRequest())).models
    assert not model.circuit_open
    # Only a machine too busy to compile any of them in time is the server's failure.
    codes = Counter(code for code, _ in together)
    assert set(codes) <= {"INVALID_ARGUMENT", "RESOURCE_EXHAUSTED"}, together
    assert await spent(engine) == [budgets[0] + codes["RESOURCE_EXHAUSTED"]]


async def spent(engine):
    """Return how many calls were bad so far, by the objective of availability."""
    status = await engine.server.GetStatus(server_pb2.GetStatusRequest())
    return [one.bad_events for one in status.objectives if one.name == "availability"]


async def test_the_status_tells_the_backend(engine):
    (model,) = (await engine.server.GetStatus(server_pb2.GetStatusRequest())).models

    assert model.settings["structured_output"] == "guidance"
