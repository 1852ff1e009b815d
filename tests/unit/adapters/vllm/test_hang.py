"""What is asked of an engine, and what is made of its silence; the real one is in tests/engine."""

import asyncio
from types import SimpleNamespace

from jarvis_adapters.vllm import hang
from jarvis_adapters.vllm.hang import HangWatch


def engine(answer):
    made = SimpleNamespace(errored=False)
    made.engine_core = SimpleNamespace(is_sleeping_async=answer)
    return made


async def test_one_that_does_not_answer_is_killed_once():
    kills = []
    watch = HangWatch(engine(asyncio.Event().wait), 1, lambda: kills.append(1))
    await asyncio.wait_for(watch.run(), 10)
    assert kills == [1]
    assert watch.message == "the engine gave no answer for 1 s: it hung, and was killed"


async def test_one_that_answers_late_or_with_an_error_is_left_alone(monkeypatch):
    monkeypatch.setattr(hang, "INTERVAL", 0.01)
    answers = []

    async def answer():
        answers.append(1)
        await asyncio.sleep(1.2 if len(answers) == 1 else 0)
        raise ValueError

    watch = HangWatch(engine(answer), 3, lambda: None)
    run = asyncio.create_task(watch.run())
    async with asyncio.timeout(10):
        while len(answers) < 5:
            await asyncio.sleep(0.01)
    assert not run.done()
    assert watch.message == ""
    run.cancel()


async def test_one_that_is_dead_is_not_asked():
    dead = engine(asyncio.Event().wait)
    watch = HangWatch(dead, 60, lambda: None)
    run = asyncio.create_task(watch.run())
    await asyncio.sleep(0)
    dead.errored = True
    await asyncio.wait_for(run, 5)
    assert watch.message == ""
