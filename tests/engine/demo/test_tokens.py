"""Tokens in and out, and how an input becomes tokens, on the real model."""

import asyncio

import pytest

from jarvis.v1 import generation_pb2 as pb
from tests.pictures import RED

pytestmark = pytest.mark.engine
S = pb.SamplingParams
QUESTION = pb.Message(role=pb.ROLE_USER, content="What is the capital of France?")
BEGUN = pb.Message(role=pb.ROLE_ASSISTANT, content="The capital of France is")
TEXT = "The capital of France is Paris, and 東京 is that of Japan."
VOCABULARY = 49_152


async def tokenize(engine, **fields):
    return await engine.generation.Tokenize(pb.TokenizeRequest(**fields))


async def generate(engine, **fields):
    return await engine.generation.Generate(pb.GenerateRequest(**fields))


async def text_of(engine, token_ids):
    request = pb.DetokenizeRequest(token_ids=token_ids)
    return (await engine.generation.Detokenize(request)).text


async def test_the_tokens_of_a_conversation_are_those_of_its_template(engine):
    told = await tokenize(engine, messages=[QUESTION])
    counted = await engine.generation.CountTokens(pb.CountTokensRequest(messages=[QUESTION]))

    assert len(told.token_ids) == len(told.tokens) == counted.tokens
    assert told.context_length == 8192
    text = await text_of(engine, told.token_ids)
    assert text == "".join(told.tokens)
    assert text.endswith(f"<|im_start|>user\n{QUESTION.content}<|im_end|>\n<|im_start|>assistant\n")
    unbegun = await tokenize(engine, messages=[QUESTION], add_generation_prompt=False)
    assert text.removesuffix("<|im_start|>assistant\n") == await text_of(engine, unbegun.token_ids)


async def test_a_token_may_be_less_than_a_character(engine):
    told = await tokenize(engine, prompt=TEXT)

    assert await text_of(engine, told.token_ids) == TEXT
    assert "�" in "".join(told.tokens)


async def test_tokens_are_answered_as_the_conversation_is(engine):
    fields = {"sampling": S(temperature=0, max_tokens=12)}
    told = await tokenize(engine, messages=[QUESTION])
    by_ids = await generate(engine, prompt_token_ids=told.token_ids, **fields)
    by_messages = await generate(engine, messages=[QUESTION], template="", **fields)

    assert by_ids.choices[0].text == by_messages.choices[0].text
    assert by_ids.usage.prompt_tokens == len(told.token_ids)


@pytest.mark.parametrize("bad", [VOCABULARY, 2**32 - 1])
async def test_ids_that_are_no_token_are_named(engine, failure, bad):
    for field, call in (
        ("prompt_token_ids", engine.generation.Generate(pb.GenerateRequest(prompt_token_ids=[5, bad]))),
        ("token_ids", engine.generation.Detokenize(pb.DetokenizeRequest(token_ids=[5, bad]))),
    ):
        expected = ("INVALID_ARGUMENT", "INVALID_ARGUMENT", [f"{field}[1]"], None)
        assert await failure(call) == expected
    last = await generate(engine, prompt_token_ids=[VOCABULARY - 1], sampling=S(max_tokens=1))
    assert last.usage.prompt_tokens == 1


async def test_tokens_beyond_the_context_are_refused_or_cut_off(engine, failure):
    token_ids = [5] * 9000
    call = engine.generation.Generate(pb.GenerateRequest(prompt_token_ids=token_ids))
    assert (await failure(call))[1:3] == ("CONTEXT_LENGTH_EXCEEDED", ["prompt_token_ids"])

    cut = await generate(
        engine, prompt_token_ids=token_ids, truncate_prompt_tokens=100, sampling=S(max_tokens=1)
    )
    assert cut.usage.prompt_tokens == 100


async def test_the_last_tokens_of_a_prompt_are_kept(engine):
    fields = {"sampling": S(temperature=0, max_tokens=3)}
    numbers = "1, 2, 3, 4, 5, 6,"
    kept = (await tokenize(engine, prompt=f"Something else entirely. {numbers}")).token_ids[-12:]
    cut = await generate(
        engine, prompt=f"Something else entirely. {numbers}", truncate_prompt_tokens=12, **fields
    )
    same = await generate(engine, prompt_token_ids=kept, **fields)

    assert cut.choices[0].text == same.choices[0].text
    assert cut.usage.prompt_tokens == 12


async def test_a_begun_answer_is_continued(engine):
    messages = [QUESTION, BEGUN]
    told = await tokenize(engine, messages=messages, continue_final_message=True)
    assert (await text_of(engine, told.token_ids)).endswith(f"<|im_start|>assistant\n{BEGUN.content}")

    answer = await generate(
        engine,
        messages=messages,
        continue_final_message=True,
        sampling=S(temperature=0, max_tokens=4),
        template="",
    )
    assert answer.choices[0].text.startswith(" Paris")
    assert answer.usage.prompt_tokens == len(told.token_ids)


async def test_arguments_of_a_template_that_takes_none_are_refused(engine, failure):
    args = {"enable_thinking": "false"}
    call = engine.generation.Generate(pb.GenerateRequest(messages=[QUESTION], chat_template_args=args))
    assert (await failure(call))[1:3] == ("UNSUPPORTED_FIELD", ["chat_template_args"])


async def test_the_log_probabilities_of_a_prompt_are_those_of_its_generation(engine):
    answer = await generate(
        engine, prompt=TEXT, sampling=S(temperature=0, max_tokens=3, logprobs=2), return_token_ids=True
    )
    (generated,) = answer.choices
    assert not answer.prompt_logprobs
    prompt = (await tokenize(engine, prompt=TEXT)).token_ids
    token_ids = [*prompt, *generated.token_ids]
    for choices in (1, 2):
        scored = await generate(
            engine, prompt_token_ids=token_ids, sampling=S(max_tokens=1, prompt_logprobs=2, n=choices)
        )
        told = scored.prompt_logprobs
        assert [one.token_id for one in told] == token_ids[1:]
        for one, before in zip(told[-3:], generated.logprobs, strict=True):
            assert one.token_id == one.top[0].token_id == before.token_id
            assert one.logprob == pytest.approx(before.logprob, abs=0.02)
        assert all(len(one.top) == 2 for one in told)


async def test_a_stream_begins_with_the_log_probabilities_of_its_prompt(engine):
    request = pb.GenerateStreamRequest(
        messages=[QUESTION], template="", sampling=S(max_tokens=3, prompt_logprobs=0)
    )
    for _ in range(2):  # the second time, the prefix cache has it
        events = [event async for event in engine.generation.GenerateStream(request)]
        told = events[0].started.prompt_logprobs
        assert len(told) == events[0].started.prompt_tokens - 1
        assert all(one.logprob <= 0 and not one.top for one in told)


@pytest.mark.parametrize(("words", "candidates"), [(1000, 20), (6000, 0)], ids=["message", "memory"])
async def test_log_probabilities_that_there_is_no_room_for_are_refused(engine, failure, words, candidates):
    sampling = S(max_tokens=1, prompt_logprobs=candidates)
    call = engine.generation.Generate(pb.GenerateRequest(prompt="word " * words, sampling=sampling))
    assert (await failure(call))[1:3] == ("INVALID_ARGUMENT", ["sampling.prompt_logprobs"])


async def test_a_model_that_does_not_see_is_shown_nothing(engine, failure):
    image = pb.ContentPart(image=pb.Image(data=RED.data))
    messages = [pb.Message(role=pb.ROLE_USER, parts=[image, pb.ContentPart(text="What is it?")])]
    for call in (
        engine.generation.Generate(pb.GenerateRequest(messages=messages)),
        engine.generation.CountTokens(pb.CountTokensRequest(messages=messages)),
        engine.generation.Tokenize(pb.TokenizeRequest(messages=messages)),
        engine.generation.ExplainPrompt(pb.ExplainPromptRequest(messages=messages)),
    ):
        assert (await failure(call))[1:3] == ("UNSUPPORTED_FIELD", ["messages.parts.image"])
    words = [pb.Message(role=pb.ROLE_USER, parts=[pb.ContentPart(text=QUESTION.content)])]
    assert await tokenize(engine, messages=words) == await tokenize(engine, messages=[QUESTION])


async def test_a_prompt_that_cannot_fit_is_refused_before_its_tokens_are_counted(engine, failure):
    code, reason, fields, *_ = await failure(generate(engine, prompt="word " * 800_000))

    assert (code, reason, fields) == ("INVALID_ARGUMENT", "CONTEXT_LENGTH_EXCEEDED", ["prompt"])


async def test_a_short_prompt_is_answered_while_the_tokens_of_long_ones_are_counted(engine):
    text = " ".join(str(number) for number in range(60_000))
    request = pb.CountTokensRequest(prompt=text)
    counting = [asyncio.ensure_future(engine.generation.CountTokens(request)) for _ in range(6)]
    await asyncio.sleep(0.2)
    await generate(engine, messages=[QUESTION], sampling=S(max_tokens=1))

    assert not all(one.done() for one in counting)
    counts = {(await one).tokens for one in counting}
    assert len(counts) == 1
