"""Reasoning apart from the answer, on the real engine: a model recites what it thinks and what it says."""

import pytest

from jarvis.client import Choice
from jarvis.v1 import generation_pb2 as pb
from jarvis.wire import answers
from tests.engine import reciter
from tests.engine.support import GENERATION

pytestmark = [pytest.mark.engine, pytest.mark.long]
THOUGHT, ANSWER = " One and another make three less", "Two"
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] + ' ' + m['content'] + '\n' }}{% endfor %}"
    "{% if enable_thinking is defined and not enable_thinking %}{{ '<think></think>' }}{% endif %}"
)
ASKED = [pb.Message(role=pb.ROLE_USER, content="How many?")]


@pytest.fixture(scope="module")
async def peer(serve, connect, ready, tmp_path_factory):
    line = ["\n", "<think>", THOUGHT, "</think>", ANSWER, "<|im_end|>"]
    model = reciter.make(
        tmp_path_factory.mktemp("reciter") / "model", ["<think>", "</think>"], TEMPLATE, line
    )
    settings = "models.reciter.settings"
    sets = [
        f'{settings}.model="{model}"',
        f"{settings}.dtype=float32",
        f"{settings}.engine_args.kv_cache_memory_bytes={2**28}",
        "embedder.adapter=none",
        "store.adapter=none",
        "prompts.automatic=false",
    ]
    async with serve(tmp_path_factory.mktemp("reasoning"), *sets) as server, connect(server.address) as peer:
        await ready(server, peer, f"{GENERATION}/reciter")
        yield peer


def fields(max_tokens=40, **more):
    return {"messages": ASKED, "sampling": pb.SamplingParams(temperature=0, max_tokens=max_tokens), **more}


async def whole(peer, **given):
    return answers.ANSWER.read(await peer.generation.Generate(pb.GenerateRequest(**given)))


async def test_it_is_told_apart_and_counted(peer):
    answer = await whole(peer, **fields())
    (choice,) = answer.choices
    assert (choice.reasoning, choice.text, choice.reason) == (THOUGHT, ANSWER, "stop")
    counted = await peer.generation.CountTokens(pb.CountTokensRequest(prompt=THOUGHT))
    assert answer.usage.reasoning_tokens == counted.tokens
    assert answer.usage.completion_tokens == counted.tokens + 4, "two marks, the answer, its end"


async def test_a_stream_says_the_same(peer):
    deltas, ends = [], []
    async for event in peer.generation.GenerateStream(pb.GenerateStreamRequest(**fields())):
        read = answers.EVENTS.read(event)
        if event.HasField("delta"):
            deltas.append(read)
        elif event.HasField("finished"):
            ends.append(read)
    choice = Choice.joined(deltas, ends[0])
    assert (choice.reasoning, choice.text) == (THOUGHT, ANSWER)
    assert len([delta for delta in deltas if delta.reasoning]) > 1


async def test_cut_off_amid_it_there_is_no_answer(peer):
    (choice,) = (await whole(peer, **fields(4))).choices
    assert (choice.text, choice.reason) == ("", "length")
    assert THOUGHT.startswith(choice.reasoning)
    assert choice.reasoning


@pytest.mark.parametrize(
    ("constraint", "answer"),
    [
        (pb.StructuredOutput(choice=pb.Choices(values=["yes", "no"])), {"yes", "no"}),
        (pb.StructuredOutput(regex="Tw[a-z]{2}"), None),
    ],
)
async def test_only_the_answer_has_the_form(peer, constraint, answer):
    (choice,) = (await whole(peer, **fields(structured_output=constraint))).choices
    assert choice.reasoning == THOUGHT
    assert choice.text in answer if answer else len(choice.text) == 4


async def test_without_it_the_answer_comes_at_once(peer):
    answer = await whole(peer, **fields(reasoning_effort=pb.REASONING_EFFORT_NONE))
    assert (answer.choices[0].reasoning, answer.text) == ("", ANSWER)
    assert answer.usage.reasoning_tokens == 0
    some = await whole(peer, **fields(reasoning_effort=pb.REASONING_EFFORT_HIGH))
    assert some.choices[0].reasoning == THOUGHT


async def test_a_raw_prompts_answer_is_all_text(peer):
    sampling = pb.SamplingParams(temperature=0, max_tokens=40)
    request = pb.GenerateRequest(prompt="How many?\n", sampling=sampling)
    answer = answers.ANSWER.read(await peer.generation.Generate(request))
    assert answer.text == f"<think>{THOUGHT}</think>{ANSWER}"
    assert answer.choices[0].reasoning == ""
