"""Nothing that a caller asks for is compiled while others wait; `engine` runs where there is no compiler."""

import asyncio
import time
from contextlib import asynccontextmanager

import grpc
import pytest

from jarvis.v1 import generation_pb2 as pb

pytestmark = pytest.mark.engine

BAR = 5.0
"""Seconds that another caller's stream may be silent on a busy machine; a compiler took 17 and more."""
SAMPLING = {
    "temperature": 0.7,
    "top_p": 0.5,
    "top_k": 5,
    "min_p": 0.1,
    "presence_penalty": 1.0,
    "frequency_penalty": 1.0,
    "repetition_penalty": 1.2,
    "max_tokens": 4,
    "min_tokens": 2,
    "stop": ["cat"],
    "seed": 4,
    "n": 3,
    "logprobs": 5,
    "logit_bias": {5: 3.0},
    "ignore_eos": True,
    "stop_token_ids": [5],
    "include_stop": True,
    "allowed_token_ids": [5, 6, 7, 8],
    "bad_words": ["cat"],
    "skip_special_tokens": False,
    "prompt_logprobs": 5,
}
ALONE = {"logprob_token_ids": [5, 6]}
"""Not beside all others."""
CONSTRAINTS = {
    "json_schema": '{"type": "object", "properties": {"b": {"enum": ["x", "y"]}}, "required": ["b"]}',
    "regex": "(yes|no) [0-9]{2}",
    "choice": pb.Choices(values=["red", "green"]),
    "grammar": 'root ::= "yes" | "no"',
    "json_object": True,
    "structural_tag": '{"format": {"type": "regex", "pattern": "a|b"}}',
}


class Gap:
    """The longest silence of a stream since it was last asked for."""

    def __init__(self):
        self.last, self.longest = time.monotonic(), 0.0

    def heard(self):
        now = time.monotonic()
        self.longest, self.last = max(self.longest, now - self.last), now

    def take(self):
        self.heard()
        found, self.longest = self.longest, 0.0
        return found


@asynccontextmanager
async def another_caller(engine):
    """Stream without an end; gives its gap."""
    sampling = pb.SamplingParams(ignore_eos=True, max_tokens=4000, temperature=0)
    call = engine.generation.GenerateStream(pb.GenerateStreamRequest(prompt="Once", sampling=sampling))
    gap, begun = Gap(), asyncio.Event()

    async def listen():
        async for _ in call:
            gap.heard()
            begun.set()

    listening = asyncio.create_task(listen())
    await asyncio.wait_for(begun.wait(), 60)
    try:
        yield gap
        assert not listening.done(), "the other caller's stream ended"
    finally:
        listening.cancel()
        call.cancel()


def requests():
    def asked(sampling, **fields):
        return pb.GenerateRequest(prompt="Hello", sampling=pb.SamplingParams(**sampling), **fields)

    for name, value in (SAMPLING | ALONE).items():
        yield name, asked({"max_tokens": 4, name: value})
    yield "all", asked(SAMPLING)
    for name, value in CONSTRAINTS.items():
        yield name, asked({"max_tokens": 20}, structured_output=pb.StructuredOutput(**{name: value}))


async def code_of(call):
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


def test_every_field_is_tried():
    assert SAMPLING.keys() | ALONE.keys() == set(pb.SamplingParams.DESCRIPTOR.fields_by_name)
    assert set(CONSTRAINTS) == set(pb.StructuredOutput.DESCRIPTOR.fields_by_name)


async def test_no_field_of_a_request_silences_another_caller(engine):
    gaps = {}
    async with another_caller(engine) as gap:
        for name, request in requests():
            gap.take()
            code = await code_of(engine.generation.Generate(request, timeout=60))
            assert code in {"OK", "INVALID_ARGUMENT"}, name  # a notation that the engine does not take
            gaps[name] = gap.take()
    assert {name: round(longest, 2) for name, longest in gaps.items() if longest > BAR} == {}
