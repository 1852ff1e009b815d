import asyncio
import subprocess
import sys
from contextlib import aclosing
from pathlib import Path

import pytest
from pydantic import ValidationError

from jarvis_adapters.echo.adapter import EchoSettings, open_echo
from jarvis_ports.errors import ContextLengthExceeded, EngineDead, EngineFailure, InvalidArgument
from jarvis_ports.llm import (
    Accepted,
    Delta,
    Finish,
    FinishReason,
    GenerateRequest,
    Input,
    Message,
    Role,
    SamplingParams,
    Usage,
)

DEFAULTS = EchoSettings()


async def events(input_: Input, settings: EchoSettings = DEFAULTS, **sampling):
    async with open_echo(settings) as echo:
        request = GenerateRequest("r", input_, SamplingParams(**sampling))
        return [event async for event in echo.generate(request)]


def text(events, index=0):
    return "".join(event.text for event in events if isinstance(event, Delta) and event.index == index)


async def test_repeats_the_prompt_word_by_word():
    assert await events("one  two\n") == [
        Accepted(3),
        Delta(0, "one"),
        Delta(0, "  two"),
        Delta(0, "\n"),
        Finish(0, FinishReason.STOP, Usage(3, 3)),
    ]


async def test_repeats_the_last_message_of_the_user():
    said = [
        Message(Role.USER, "first"),
        Message(Role.USER, "and then"),
        Message(Role.ASSISTANT, "something else"),
    ]
    answer = await events(said)
    assert answer[0] == Accepted(8), "a message costs one token more than its words"
    assert text(answer) == "and then"


async def test_refuses_a_conversation_without_a_user():
    with pytest.raises(InvalidArgument) as refused:
        await events([Message(Role.SYSTEM, "be brief")])
    assert refused.value.violations[0].field == "messages"


@pytest.mark.parametrize(
    ("stop", "left", "met", "tokens"),
    [
        (("three",), "one two ", "three", 3),
        (("o t",), "one tw", "o t", 3),
        (("wo th",), "one t", "wo th", 3),
        (("never", " four", " two"), "one", " two", 2),
        (("one",), "", "one", 1),
    ],
)
async def test_stop(stop, left, met, tokens):
    answer = await events("one two three four", stop=stop)
    assert text(answer) == left
    assert answer[-1] == Finish(0, FinishReason.STOP, Usage(4, tokens), matched_stop=met)


async def test_a_stop_beyond_max_tokens_is_not_met():
    answer = await events("one two three", stop=("two",), max_tokens=1)
    assert answer[-1] == Finish(0, FinishReason.LENGTH, Usage(3, 1))


async def test_ignore_eos_repeats_until_the_context_is_full():
    answer = await events("a b", EchoSettings(context_length=7), ignore_eos=True)
    assert text(answer) == "a ba ba"
    assert answer[-1] == Finish(0, FinishReason.LENGTH, Usage(2, 5))


async def test_choices_are_interleaved_and_count_together():
    answer = await events("a b", n=2)
    assert [event.index for event in answer[1:]] == [0, 1, 0, 1, 0, 1]
    assert answer[-1].usage == Usage(2, 4)


async def test_token_ids_tell_the_words():
    async with open_echo(EchoSettings()) as echo:
        request = GenerateRequest("r", "a b a", return_token_ids=True)
        ids = [event.token_ids async for event in echo.generate(request) if isinstance(event, Delta)]
    assert [len(token) for token in ids] == [1, 1, 1]
    assert ids[1] != ids[2], '" b" and " a" are two tokens'


@pytest.mark.parametrize(
    ("prompt", "sampling", "field"),
    [
        ("a b c d", {}, "prompt"),
        ([Message(Role.USER, "a b c")], {}, "messages"),
        ("a b", {"max_tokens": 3}, "sampling.max_tokens"),
    ],
)
async def test_refuses_what_does_not_fit_the_context(prompt, sampling, field):
    with pytest.raises(ContextLengthExceeded, match=r"holds 4 ") as refused:
        await events(prompt, EchoSettings(context_length=4), **sampling)
    assert refused.value.violations[0].field == field


async def test_speed():
    start = asyncio.get_running_loop().time()
    await events("a b c d e", EchoSettings(tokens_per_second=50))
    assert asyncio.get_running_loop().time() - start >= 0.1


async def test_loads_as_long_as_the_settings_say():
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(events("a", EchoSettings(load_seconds=60)), 0.05)


async def test_streams_end_when_it_is_closed():
    async with open_echo(EchoSettings()) as echo:
        stream = echo.generate(GenerateRequest("r", "a b", SamplingParams()))
        assert await anext(stream) == Accepted(2)
        assert (await echo.health()).ok
    assert not (await echo.health()).ok
    async with aclosing(stream):
        with pytest.raises(EngineDead):
            await anext(stream)


async def test_with_further_weights_it_answers_in_capitals():
    async with open_echo(DEFAULTS) as echo:
        request = GenerateRequest("r", "one two", weights="own")
        await echo.load_weights("own", Path("anywhere"))
        assert text([event async for event in echo.generate(request)]) == "ONE TWO"
        await echo.unload_weights("own")
        with pytest.raises(EngineFailure, match="the weights 'own' are not loaded"):
            await anext(echo.generate(request))


def test_refuses_settings_out_of_range():
    with pytest.raises(ValidationError):
        EchoSettings(context_length=1)


def test_importing_it_imports_no_engine():
    code = "import sys, jarvis_adapters.echo; print(sorted({'torch', 'vllm', 'grpc'} & set(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert run.stdout == "[]\n"
