"""Which requests are refused, and what they are told."""

import asyncio
import random

import pytest

from jarvis.core.admission import Bounds, CallerTerms
from jarvis_ports.errors import DeadlineTooShort, EngineDead, Overloaded
from tests.unit.core.admission.conftest import settle


@pytest.mark.parametrize(
    ("where", "told"),
    [
        ({"model": Bounds(3)}, "model 'm' has 3 requests, as many as it may have"),
        ({"total": Bounds(3)}, "the server has 3 requests"),
        ({"a": CallerTerms(bounds=Bounds(3))}, "the caller has 3 requests"),
        ({"model": Bounds(queued_tokens=150)}, "prompts of about 100 tokens wait in model 'm'"),
    ],
)
async def test_no_more_run_or_wait_than_may_and_who_is_refused_is_told_when_to_come_back(desk, where, told):
    model = desk(slots=2, **where)
    for _ in range(20):
        await model.ask("a")
        await model.finish(seconds=4)
    for _ in range(3):
        await model.ask("a", characters=400)
    with pytest.raises(Overloaded, match=told) as caught:
        await (await model.ask("a", characters=400))
    assert caught.value.retry_after == pytest.approx(2.0, rel=0.2), "one waits, of 2 s each, two at a time"


async def test_a_caller_over_its_own_bound_takes_nothing_from_others(desk):
    model = desk(slots=1, model=Bounds(10), a=CallerTerms(bounds=Bounds(2)))
    others = [await model.ask("b") for _ in range(3)]
    refused = [await model.ask("a") for _ in range(5)][2:]
    assert all(isinstance(task.exception(), Overloaded) for task in refused)
    assert not any(task.done() for task in others)


async def test_where_all_is_full_the_last_gives_way_to_one_that_goes_before_it(desk):
    model = desk(slots=1, model=Bounds(6))
    greedy = [await model.ask("greedy") for _ in range(6)]
    other = [await model.ask("other") for _ in range(4)]
    assert [task.done() for task in greedy] == [False] * 4 + [True] * 2
    with pytest.raises(Overloaded, match="callers that have had less go first"):
        await greedy[-1]
    assert [task.done() for task in other] == [False, False, True, True], "nor may the other become greedy"
    with pytest.raises(Overloaded):
        await (await model.ask("greedy"))


async def test_nobody_gives_way_to_one_that_is_refused_all_the_same(desk):
    model = desk(slots=1, model=Bounds(queued_tokens=30))
    others = [await model.ask("b", characters=40) for _ in range(4)]  # one runs, and 30 tokens wait
    with pytest.raises(Overloaded):
        await (await model.ask("a", characters=100))
    assert not any(task.done() for task in others)
    assert not (await model.ask("a", characters=40)).done()
    assert [task.done() for task in others] == [False, False, False, True], "one of them is enough for it"
    await model.finish(4)
    assert model.served == ["b", "a", "b", "b"]


async def test_one_long_prompt_may_wait_alone(desk):
    model = desk(slots=1, model=Bounds(queued_tokens=10))
    await model.ask()
    assert not (await model.ask(characters=4000)).done()
    with pytest.raises(Overloaded):
        await (await model.ask())


async def test_a_deadline_that_cannot_be_kept_is_refused_at_once(desk):
    model = desk(slots=2)
    for _ in range(20):
        await model.ask()
        await model.finish(seconds=4)  # each takes 2 s
    for _ in range(6):
        await model.ask()
    with pytest.raises(
        DeadlineTooShort, match=r"is expected in 5(\.\d*)? s, and the deadline is in 3 s"
    ) as caught:
        await (await model.ask(left=3))
    assert caught.value.retry_after == pytest.approx(2.0, rel=0.1)
    assert not (await model.ask(left=8)).done()
    assert not (await model.ask("another", left=3)).done(), "of whom fewer wait"


async def test_an_idle_model_is_tried_whatever_it_took_before(desk, clock):
    model = desk(slots=1)
    for _ in range(5):
        await model.ask()
        clock.now += 100
        await model.finish()
    task = await model.ask(left=1)
    assert not task.done()


async def test_who_gives_up_is_out_of_the_queue(desk):
    model = desk(slots=1)
    await model.ask()
    gone, stays = await model.ask(), await model.ask()
    gone.cancel()
    await settle()
    assert model.waiting == 1
    await model.finish()
    assert len(model.running) == 1
    await model.finish()
    assert stays.done()


async def test_a_slot_that_comes_as_its_request_is_cancelled_goes_to_the_next(desk):
    model = desk(slots=1)
    await model.ask()
    gone, following = await model.ask(), await model.ask()
    gone.cancel()
    model.running.pop(0)[1].set()
    await settle()
    assert len(model.running) == 1
    await model.finish()
    assert following.done()
    assert gone.cancelled()


async def test_those_that_wait_for_a_model_that_dies_are_told(desk):
    model = desk(slots=1)
    running = await model.ask()
    waiting = [await model.ask() for _ in range(3)]
    model.admission.refuse_all(lambda: EngineDead("gone"))
    for task in waiting:
        with pytest.raises(EngineDead):
            await task
    assert not running.done()


async def test_whatever_happens_no_slot_is_lost(desk, clock):
    random_ = random.Random(7)  # noqa: S311 - no secret
    model = desk(slots=3, model=Bounds(12, 40), total=Bounds(15), b=3.0, c=CallerTerms(bounds=Bounds(4)))
    tasks = []
    for _ in range(3000):
        match random_.randrange(5):
            case 0 | 1:
                left = random_.choice([None, 0.5, 5])
                size = random_.choice([4, 80])
                caller, sequences = random_.choice("abcd"), random_.choice([1, 1, 1, 2, 5])
                tasks.append(await model.ask(caller, left=left, characters=size, sequences=sequences))
            case 2 if tasks:
                random_.choice(tasks).cancel()
            case 3:
                model.admission.refuse_all(lambda: EngineDead("gone"))
            case _ if model.running:
                _, done = model.running.pop(random_.randrange(len(model.running)))
                done.set()
        clock.now += random_.random()
        if random_.random() < 0.5:
            await settle()
        assert model.admission._taken <= 5
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert model.emptied()
