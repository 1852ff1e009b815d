"""What the steps of a busy engine add to an answer arrives together, in order, and never late."""

import asyncio
import time

import pytest

pytest.importorskip("vllm")
from vllm.v1.engine import EngineCoreOutput, EngineCoreOutputs, FinishReason
from vllm.v1.metrics.stats import PrefillStats

from jarvis_adapters.vllm.merging import ALONE, FEW, SECONDS, Merging

MANY = [str(number) for number in range(FEW + 1)]
NEXT = iter(range(1_000_000))
SOON = SECONDS / 20


def step(names=MANY, **fields):
    """Return one token, different from all others, for each name."""
    return EngineCoreOutputs(outputs=[EngineCoreOutput(name, [next(NEXT)], **fields) for name in names])


class Engine:
    """Says what it is told to, each time after a pause."""

    def __init__(self, *steps, pause=SOON):
        self._steps = list(steps)
        self._pause = pause
        self.sent = [one for each in steps for one in self.tokens(each)]

    @staticmethod
    def tokens(outputs):
        return [(one.request_id, token) for one in outputs.outputs for token in one.new_token_ids]

    async def get(self):
        if not self._steps:
            await asyncio.get_running_loop().create_future()
        await asyncio.sleep(self._pause)
        return self._steps.pop(0)


async def received(merging, number):
    """Read until so many tokens have come."""
    found = []
    while sum(len(Engine.tokens(one)) for one in found) < number:
        found.append(await asyncio.wait_for(merging.get(), 1))
    return found


def by_answer(pairs):
    found = {}
    for name, token in pairs:
        found.setdefault(name, []).append(token)
    return found


async def test_steps_of_a_busy_engine_are_put_together():
    engine = Engine(*(step() for _ in range(40)))
    found = await received(Merging(engine.get), len(engine.sent))
    outputs = [one for each in found for one in each.outputs]
    assert by_answer(pair for each in found for pair in Engine.tokens(each)) == by_answer(engine.sent)
    assert len(outputs) < len(engine.sent) / 3


async def test_what_a_step_says_besides_comes_with_it():
    steps = [step() for _ in range(5)]
    for number, one in enumerate(steps):
        one.timestamp = number + 1.0
    merging = Merging(Engine(*steps).get)
    assert [(await merging.get()).timestamp for _ in steps] == [1, 2, 3, 4, 5]


async def test_few_answers_come_as_they_are():
    steps = [step(MANY[:FEW]) for _ in range(5)]
    merging = Merging(Engine(*steps).get)
    assert [await merging.get() for _ in steps] == steps


async def test_a_first_token_comes_alone_and_at_once():
    first = EngineCoreOutput("new", [next(NEXT)], prefill_stats=PrefillStats())
    both = step()
    both.outputs.append(first)
    merging = Merging(Engine(step(), step(), both).get)
    await merging.get()
    await merging.get()
    assert (await merging.get()).outputs == [first]


@pytest.mark.parametrize("steps_held", [1, 2])
async def test_an_end_comes_at_once_with_all_that_was_held_back(steps_held):
    held = [step() for _ in range(steps_held)]
    wanted = [one.outputs[0].new_token_ids[0] for one in held]
    last = step(["0"], finish_reason=FinishReason.LENGTH)
    last.outputs += step(MANY[1:]).outputs
    wanted += last.outputs[0].new_token_ids
    merging = Merging(Engine(step(), *held, last).get)
    await merging.get()  # the first shows that it is busy
    for _ in held:
        await merging.get()
    ended = next(one for one in (await merging.get()).outputs if one.request_id == "0")
    assert ended.new_token_ids == wanted
    assert ended.finish_reason is FinishReason.LENGTH


async def test_nothing_waits_for_an_engine_that_takes_its_time():
    engine = Engine(step(), step())
    merging = Merging(engine.get)
    begun = time.monotonic()
    found = await received(merging, len(engine.sent))
    assert by_answer(pair for each in found for pair in Engine.tokens(each)) == by_answer(engine.sent)
    assert time.monotonic() - begun < 0.9  # it says no more, for ever


async def test_steps_that_are_slow_come_one_by_one():
    steps = [step() for _ in range(3)]
    merging = Merging(Engine(*steps, pause=SECONDS * 1.5).get)
    found = [await merging.get() for _ in steps]
    assert [len(one.outputs) for one in found] == [len(MANY)] * 3


async def test_as_others_end_the_rest_is_held_back_no_longer():
    engine = Engine(step(), step(), step(MANY[:2]))
    merging = Merging(engine.get)
    await merging.get()
    await merging.get()
    assert len((await merging.get()).outputs) == len(MANY)


async def test_what_the_engine_raises_is_raised():
    async def dead():
        raise RuntimeError("dead")

    with pytest.raises(RuntimeError, match="dead"):
        await Merging(dead).get()


def test_every_field_of_an_output_is_known():
    rest = {"request_id", "new_token_ids", "stop_reason", "trace_headers", "num_nans_in_logits"}
    assert set(EngineCoreOutput.__struct_fields__) == rest | set(ALONE)
