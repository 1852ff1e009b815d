"""Repetitions do not multiply an overload."""

import asyncio

import grpc
import pytest

from jarvis.client import BlockingClient, CannotConnect, JarvisClient, JarvisClientError, RetryBudget
from jarvis.client.calls import _delay

CALLERS, ATTEMPTS = 100, 5
FULL = grpc.StatusCode.RESOURCE_EXHAUSTED
REPEATED = 4
"""Of a full bucket of 10, the fifth token that is taken leaves half."""


@pytest.fixture
def refuse(fake, retry_after):
    """Let so many calls be refused."""

    def refuse(number):
        for _ in range(number):
            fake.fail(FULL, "full", retry_after(0.001))

    return refuse


async def refused(client, callers=CALLERS, *, stream=False):
    """Make calls at the same time; gives their errors, none of which succeeds."""

    async def one():
        with pytest.raises(JarvisClientError) as caught:
            await (anext(client.stream("x")) if stream else client.generate("x"))
        return caught.value

    return await asyncio.gather(*(one() for _ in range(callers)))


@pytest.mark.parametrize("stream", [False, True], ids=["one answer", "a stream"])
async def test_callers_of_a_server_that_refuses_everything_hardly_repeat(fake, refuse, stream):
    refuse(CALLERS * ATTEMPTS)
    async with JarvisClient(fake.address, attempts=ATTEMPTS) as client:
        errors = await refused(client, stream=stream)
    assert len(fake.requests) == CALLERS + REPEATED
    assert all(error.retry_budget_spent for error in errors)
    assert all("full (not repeated: the retry budget is spent" in str(error) for error in errors)
    assert {error.retry_after for error in errors} == {0.001}, "their callers may still know when"


async def test_repetitions_come_back_with_the_server(fake, refuse):
    refuse(CALLERS + REPEATED)
    async with JarvisClient(fake.address, attempts=ATTEMPTS) as client:
        await refused(client)
        for _ in range(50):
            await client.generate("x")
        refuse(1)
        await refused(client, 1)
        for _ in range(21):  # 10 for the token that was just taken
            await client.generate("x")
        refuse(1)
        assert (await client.generate("x")).text == "Paris."


async def test_what_the_server_finds_wrong_costs_nothing(fake, refuse):
    async with JarvisClient(fake.address) as client:
        for _ in range(20):
            fake.fail(grpc.StatusCode.INVALID_ARGUMENT, "wrong")
            await refused(client, 1)
        refuse(1)
        assert (await client.generate("x")).text == "Paris."


async def test_the_last_attempt_fails_for_itself(fake, refuse):
    refuse(4)
    async with JarvisClient(fake.address, attempts=1) as client:
        errors = await refused(client, 4)
    assert not any(error.retry_budget_spent for error in errors)
    assert {str(error) for error in errors} == {"full"}


async def test_what_never_reached_the_server_is_repeated_all_the_same(monkeypatch, tmp_path):
    monkeypatch.setattr("jarvis.client.calls.reconnect_delay", lambda state: 0)
    budget = RetryBudget()
    for _ in range(20):
        budget.refused()
    made = []
    async with JarvisClient(
        f"unix:{tmp_path}/none.sock", attempts=3, token=lambda: made.append(1) or "t", retry_budget=budget
    ) as client:
        with pytest.raises(CannotConnect) as caught:
            await client.health()
    assert not caught.value.retry_budget_spent
    assert len(made) == 3


async def test_a_budget_may_be_shared_by_clients_with_and_without_a_loop(fake, refuse):
    budget = RetryBudget(2)
    refuse(2)
    async with JarvisClient(fake.address, retry_budget=budget) as client:
        await refused(client, 1)

    def blocking():
        with BlockingClient(fake.address, retry_budget=budget) as client:
            client.generate("x")

    with pytest.raises(JarvisClientError) as caught:
        await asyncio.to_thread(blocking)
    assert caught.value.retry_budget_spent


@pytest.mark.parametrize(("tokens", "ratio"), [(0, 0.1), (10, 0), (-1, 1)])
def test_a_bucket_that_could_hold_or_regain_nothing_is_refused(tokens, ratio):
    with pytest.raises(ValueError, match="must be above 0"):
        RetryBudget(tokens, ratio)


def test_a_bucket_never_holds_more_than_it_does_at_first():
    budget = RetryBudget(4, 1)
    for _ in range(9):
        budget.succeeded()
    budget.refused()
    assert not budget.spent
    budget.refused()
    assert budget.spent


def test_refused_callers_do_not_come_back_all_at_once():
    class Refused:
        outcome = property(lambda self: self)

        def exception(self):
            return JarvisClientError(FULL, "full", retry_after=8.0)

    delays = [_delay(Refused()) for _ in range(200)]
    assert all(8 <= delay <= 10 for delay in delays), "never before what the server says"
    assert max(delays) - min(delays) > 1
