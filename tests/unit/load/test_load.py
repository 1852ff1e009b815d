"""A server is loaded as planned, and each request is measured once."""

import asyncio
from collections import Counter
from random import Random

import pytest

from jarvis.client import JarvisClient
from jarvis.load import Measured, Plan, load, summary
from jarvis.load.summary import Quantiles

SHORT = {"seconds": 0.5, "warm_up": 0.1, "max_tokens": 4}


@pytest.fixture
async def loaded(start):
    """Load a server of its own with a plan; return what was measured, and how many were given up."""

    async def run(plan, *sets):
        found = []
        async with (
            start(*sets) as server,
            JarvisClient(server.instance.addresses[0], attempts=1) as client,
        ):
            given_up = await load(client, plan, found.append)
        return found, given_up

    return run


async def test_callers_send_one_request_after_another(loaded):
    found, given_up = await loaded(Plan(concurrency=3, **SHORT))
    assert len(found) > 6
    assert given_up == 3
    assert {(one.code, one.completion_tokens) for one in found} == {("OK", 4)}
    assert all(0 < one.first_token <= one.seconds for one in found)
    ends = sorted((moment, step) for one in found for moment, step in _span(one))
    running = most = 0
    for _, step in ends:
        running += step
        most = max(most, running)
    assert most == 3


def _span(one):
    return (one.began, 1), (one.began + one.seconds - 1e-9, -1)


async def test_at_a_rate_requests_do_not_wait_for_answers(loaded):
    slow = ["models.echo.settings.tokens_per_second=5"]
    plan = Plan(rate=50, seconds=1.0, warm_up=0.0, max_tokens=4)
    found, given_up = await loaded(plan, *slow)
    sent = len(found) + given_up
    assert 25 < sent < 80
    assert given_up > 4, "of those that take most of a second"


async def test_what_fails_is_measured_too_and_its_caller_pauses(loaded):
    found, _ = await loaded(Plan(concurrency=2, model="nothing", **SHORT))
    assert {(one.code, one.reason, one.first_token) for one in found} == {
        ("NOT_FOUND", "MODEL_NOT_FOUND", None)
    }
    assert 2 < len(found) < 16
    total = summary(found, 0.5, 0)
    assert (total.answered, total.failed) == (0, {"NOT_FOUND MODEL_NOT_FOUND": len(found)})
    assert total.messages["NOT_FOUND MODEL_NOT_FOUND"].startswith("no model 'nothing'")
    assert (total.first_token, total.answer) == (None, None)


@pytest.mark.parametrize("plan", [Plan(seconds=60.0), Plan(seconds=60.0, rate=50)])
async def test_cancelled_it_leaves_nothing_behind(loaded, plan):
    before = asyncio.all_tasks()
    running = asyncio.create_task(loaded(plan))
    await asyncio.sleep(1)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert asyncio.all_tasks() <= before


def test_a_seed_decides_the_prompts():
    def first(seed, **fields):
        plan = Plan(seed=seed, **fields)
        prompts = plan.drawn(Random(seed))  # noqa: S311 - no secret
        return [next(prompts) for _ in range(50)]

    assert first(1) == first(1) != first(2)
    assert len(set(first(1))) == 50
    assert {len(prompt.split()) for prompt in first(1, prompt_words=7)} == {7}
    assert Counter(first(1, prompts=("a", "b"))).keys() == {"a", "b"}


def test_quantiles_are_by_nearest_rank():
    assert Quantiles.of([*range(100, 0, -1)]) == Quantiles(50, 95, 99, 100)
    assert Quantiles.of([3.0]) == Quantiles(3.0, 3.0, 3.0, 3.0)
    assert Quantiles.of([]) is None


def test_rates_are_of_whole_answers():
    answered = [Measured(0.0, 1.0, 0.5, 10, 6), Measured(1.0, 2.0, 1.0, 10, 1)]
    failed = [Measured(0.0, 0.1, None, code="UNAVAILABLE", message=told) for told in ("busy", "more")]
    total = summary([*answered, *failed], 4.0, 2)
    assert (total.requests_per_second, total.tokens_per_second, total.prompt_tokens_per_second) == (
        0.5,
        1.75,
        5,
    )
    assert total.each_token == Quantiles(0.1, 0.1, 0.1, 0.1)
    assert total.first_token.most == 1.0
    assert (total.failed, total.given_up) == ({"UNAVAILABLE": 2}, 2)
    assert total.messages == {"UNAVAILABLE": "busy"}, "the first one's"


async def test_a_server_that_goes_away_is_told(start):
    found = []
    async with start() as server:
        client = JarvisClient(server.instance.addresses[0], attempts=1)
    async with client:
        await load(client, Plan(concurrency=1, **SHORT), found.append)
    assert {one.code for one in found} == {"UNAVAILABLE"}
