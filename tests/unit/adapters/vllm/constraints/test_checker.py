"""The process that compiles constraints, and what a bad one does to others and to the server: nothing."""

import asyncio
import os
import signal
import time

import psutil
import pytest

from jarvis_adapters.vllm.constraints import checker as module
from jarvis_adapters.vllm.constraints.checker import Checker
from jarvis_adapters.vllm.constraints.settings import StructuredOutputSettings
from jarvis_ports.errors import EngineStartFailed, InvalidArgument, Overloaded
from jarvis_ports.llm import Constraint, StructuredOutput

pytestmark = pytest.mark.slow

SLOW = '{"type": "integer", "multipleOf": 12345%d}'
"""Takes llguidance minutes."""


def regex(text):
    return StructuredOutput(Constraint.REGEX, text)


def schema(text):
    return StructuredOutput(Constraint.JSON_SCHEMA, text)


@pytest.fixture
async def checker(prepare):
    settings = StructuredOutputSettings(compile_seconds=0.2)
    async with Checker(settings, {**prepare, "whitespace": True}) as opened:
        yield opened


def process(checker):
    children = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
    (found,) = [one for one in children if "constraints.worker" in " ".join(one.cmdline())]
    return found


async def childless(checker):
    async with asyncio.timeout(10):
        while process(checker).children():
            await asyncio.sleep(0.05)


async def test_a_constraint_becomes_a_grammar(checker):
    assert "[0-9]" in await checker.compiled(regex("[0-9]"))
    assert "CHOICE" in await checker.compiled(StructuredOutput(Constraint.CHOICE, ("a", "b")))


async def test_one_that_is_refused_names_its_field(checker):
    with pytest.raises(InvalidArgument, match=r"structured_output\.json_schema: /not: this keyword"):
        await checker.compiled(schema('{"not": {}}'))


async def test_one_of_too_many_bytes_is_refused_at_once(prepare):
    """In a process that is not even started."""
    with pytest.raises(InvalidArgument, match=r"structured_output\.choice: has 6 bytes; at most 5"):
        await Checker(StructuredOutputSettings(max_bytes=5), prepare).compiled(
            StructuredOutput(Constraint.CHOICE, ("é", "abcd"))
        )


async def test_those_that_take_too_long_hold_up_neither_others_nor_the_event_loop(checker):
    gaps = []

    async def tick():
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            gaps.append(time.monotonic() - before)

    ticking = asyncio.create_task(tick())
    slow = [asyncio.create_task(checker.compiled(schema(SLOW % number))) for number in range(10)]
    await asyncio.sleep(0.05)
    assert "ab" in await checker.compiled(regex("ab?"))
    pending = [one for one in slow if not one.done()]
    results = await asyncio.gather(*slow, return_exceptions=True)
    ticking.cancel()

    assert pending, "the small one came first"
    assert {str(error) for error in results} == {
        "structured_output.json_schema: takes more than 0.2 s of CPU time, or too much memory, to compile"
    }
    assert max(gaps) < 0.5
    await childless(checker)


async def test_a_caller_that_leaves_leaves_nothing_behind(checker):
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(checker.compiled(schema(SLOW % 1)), 0.1)
    await childless(checker)
    assert await checker.compiled(regex("a"))


async def test_a_process_that_was_killed_is_started_anew(checker):
    before = process(checker)
    before.kill()

    assert await checker.compiled(regex("a"))
    assert process(checker).pid != before.pid


async def test_a_process_that_hangs_is_given_up(checker, monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    os.kill(process(checker).pid, signal.SIGSTOP)
    with pytest.raises(Overloaded, match="the machine is too busy"):
        await checker.compiled(regex("a"))
    monkeypatch.undo()

    assert await checker.compiled(regex("a"))


async def test_of_many_that_wait_for_one_that_hangs_none_ends_the_next(checker, monkeypatch):
    """Those that come late, and wait no longer, leave the process that another has started."""
    monkeypatch.setattr(module, "PATIENCE", 0.5)
    os.kill(process(checker).pid, signal.SIGSTOP)
    waiting = []
    for number in range(16):
        choice = StructuredOutput(Constraint.CHOICE, (f"a{number}", "b"))
        waiting.append(asyncio.create_task(checker.compiled(choice)))
        await asyncio.sleep(0.05)
    ended = await asyncio.gather(*waiting, return_exceptions=True)
    monkeypatch.undo()

    assert isinstance(ended[0], Overloaded)
    assert [one for one in ended if not isinstance(one, str | Overloaded)] == []
    assert await checker.compiled(regex("a"))
    process(checker)


async def test_a_process_that_starts_no_more_asks_the_caller_to_wait(checker, monkeypatch):
    monkeypatch.setattr(checker, "_prepare", b"{}")
    process(checker).kill()
    with pytest.raises(Overloaded, match="the process that compiles constraints does not start") as caught:
        await checker.compiled(regex("a"))

    assert caught.value.retry_after


async def test_a_process_that_does_not_start_is_an_error_of_the_start(prepare):
    with pytest.raises(EngineStartFailed, match="the process that compiles constraints does not start"):
        async with Checker(StructuredOutputSettings(), {**prepare, "tokenizer": "none"}):
            pass


async def test_it_ends_with_the_server(prepare):
    async with Checker(StructuredOutputSettings(), prepare) as opened:
        left = process(opened)

    assert not left.is_running()
