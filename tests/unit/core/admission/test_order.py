"""In which order requests are let in."""

import random
from collections import Counter

import pytest

from jarvis.core.admission import Bounds
from tests.unit.core.admission.conftest import settle


async def test_as_many_run_as_there_are_slots_and_others_follow_as_they_came(desk):
    model = desk(slots=2)
    tasks = [await model.ask() for _ in range(5)]
    assert (len(model.running), model.waiting) == (2, 3)
    await model.finish(5)
    assert [ticket.waited for ticket in [await task for task in tasks]] == [0, 0, 0.5, 1.0, 1.5]


async def test_a_model_without_slots_takes_all(desk):
    model = desk(slots=None)
    for _ in range(50):
        await model.ask()
    assert len(model.running) == 50


async def test_one_caller_with_many_does_not_hold_up_another_with_few(desk):
    model = desk(slots=2)
    for _ in range(40):
        await model.ask("greedy")
    for _ in range(5):
        await model.ask("other")
    await model.finish(12)
    assert Counter(model.served[2:]) == {"other": 5, "greedy": 7}


async def test_twice_the_weight_is_twice_the_share(desk):
    model = desk(slots=2, heavy=2.0)
    for _ in range(40):
        await model.ask("heavy")
        await model.ask("light")
    await model.finish(30)
    assert Counter(model.served[2:])["heavy"] == pytest.approx(20, abs=1)


async def test_what_counts_is_the_time_that_requests_take(desk):
    model = desk(slots=1)
    for _ in range(60):
        await model.ask("long")
        await model.ask("short")
    took = Counter()
    for _ in range(60):
        ((ticket, _),) = model.running
        seconds = 4.0 if ticket.arrival.caller == "long" else 1.0
        took[ticket.arrival.caller] += seconds
        await model.finish(seconds=seconds)
    assert took["long"] == pytest.approx(took["short"], rel=0.1)


async def test_who_comes_back_has_no_claim_to_what_it_left_unused(desk):
    model = desk(slots=1)
    await model.ask("resting")
    for _ in range(30):
        await model.ask("busy")
    await model.finish(20)
    for _ in range(10):
        await model.ask("resting")
    before = len(model.served)
    await model.finish(10)
    assert Counter(model.served[before:]) == {"resting": 5, "busy": 5}


async def test_a_lower_priority_goes_first_among_ones_own(desk):
    model = desk(slots=1)
    await model.ask("a")
    late = await model.ask("a", priority=1)
    normal = await model.ask("a")
    urgent = await model.ask("a", priority=-1)
    other = await model.ask("b", priority=5)
    await model.finish(5)
    ended = sorted([late, normal, urgent, other], key=lambda task: task.result().started)
    assert ended.index(urgent) < ended.index(normal) < ended.index(late)
    assert ended.index(other) < 2, "the priority of another is no concern of b"


async def test_a_higher_number_is_let_in_in_the_end(desk):
    model = desk(slots=1)
    await model.ask()
    late = await model.ask(priority=3)
    for _ in range(60):
        await model.ask()
        await model.finish()
    assert 25 < late.result().waited < 40


async def test_among_equals_the_earliest_deadline_goes_first(desk):
    model = desk(slots=1)
    await model.ask()
    tasks = {name: await model.ask(left=left) for name, left in {"c": None, "b": 90, "a": 50}.items()}
    await model.finish(4)
    assert sorted(tasks, key=lambda name: tasks[name].result().started) == ["a", "b", "c"]


async def test_several_answers_take_several_slots_and_none_passes_by(desk):
    model = desk(slots=4)
    await model.ask(sequences=3)
    await model.ask(sequences=2)
    await model.ask()
    assert len(model.running) == 1
    await model.finish()
    assert len(model.running) == 2
    await model.ask(sequences=9)
    await model.finish(2)
    assert len(model.running) == 1, "more answers than slots go alone"


@pytest.mark.parametrize("places", [1, 2, 8])
async def test_ten_callers_get_a_tenth_each_however_few_may_wait_and_however_much_one_sends(desk, places):
    random_ = random.Random(3)  # noqa: S311 - no secret
    model = desk(slots=16, model=Bounds(16 + places))
    callers = ["greedy"] * 22 + [f"caller {number}" for number in range(9)] * 2
    for _ in range(800):  # 4 requests come in the time of each that ends
        for _ in range(4):
            await model.ask(random_.choice(callers))
        await model.finish()
    shares = Counter(model.served[200:])
    fair = shares.total() / 10
    assert all(0.88 * fair < shares[caller] < 1.12 * fair for caller in set(callers)), shares


async def test_who_gives_up_does_not_keep_others_from_what_was_too_little_for_it(desk):
    model = desk(slots=4)
    await model.ask(sequences=3)
    large = await model.ask(sequences=2)
    await model.ask()
    assert len(model.running) == 1
    large.cancel()
    await settle()
    assert len(model.running) == 2
