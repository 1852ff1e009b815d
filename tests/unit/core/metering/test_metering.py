"""What a caller may use: reserved before a request, settled after it."""

import asyncio
from collections import Counter
from datetime import UTC, datetime

import pytest

from jarvis.core.metering import Limits, Metering
from jarvis.core.telemetry import metrics
from jarvis_ports.errors import LimitExceeded
from jarvis_ports.values import CallerUsage

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)


class Windows:
    """One minute that does not pass."""

    def __init__(self):
        self.taken = Counter()

    async def take(self, limit, caller, amount, most):
        assert 0 < amount <= most
        await asyncio.sleep(0)  # as a Redis does
        if self.taken[limit, caller] + amount > most:
            return 7.0
        self.taken[limit, caller] += amount
        return None


class Ledger:
    def __init__(self):
        self.written = []

    def add(self, used):
        self.written.append(used)

    def tokens(self, day, caller):
        return sum(
            one.prompt_tokens + one.completion_tokens
            for one in self.written
            if (one.day, one.caller) == (day, caller)
        )

    async def since(self, day, caller):
        return [one for one in self.written if one.day >= day and caller in {None, one.caller}]


class Counts:
    def __init__(self):
        self.counted = Counter()

    def count(self, metric, attributes, by=1):
        self.counted[metric, *sorted(attributes.items())] += by


@pytest.fixture
def make():
    def make(shadow=False, **limits):
        windows, ledger, counts = Windows(), Ledger(), Counts()
        named = {"named": Limits(**limits)}
        metering = Metering(windows, ledger, counts, Limits(), named, shadow=shadow, now=lambda: NOON)
        return metering, windows, ledger, counts

    return make


async def use(metering, expected, prompt=0, completion=0, caller="named"):
    async with metering.tokens(caller, expected) as spent:
        if prompt:
            spent.model, spent.prompt_tokens, spent.completion_tokens = "m", prompt, completion


async def refused(metering, expected):
    with pytest.raises(LimitExceeded) as caught:
        await use(metering, expected, 1)
    return caught.value


async def test_a_caller_without_limits_uses_what_it_wants_and_it_is_written_down(make):
    metering, windows, ledger, counts = make(tokens_per_minute=1)
    await use(metering, 10**9, 5, 6, caller="somebody")
    await metering.request("somebody")
    assert not windows.taken
    assert ledger.written == [CallerUsage("2026-03-04", "somebody", "m", 1, 5, 6)]
    labels = ("caller", "other"), ("model", "m")
    assert counts.counted[metrics.CALLER_REQUESTS, *labels] == 1
    assert counts.counted[metrics.CALLER_TOKENS, *labels, ("type", "output")] == 6


async def test_requests_are_counted_when_they_begin(make):
    metering, *_ = make(requests_per_minute=2)
    await metering.request("named")
    await metering.request("named")
    with pytest.raises(LimitExceeded, match="requests_per_minute: all 2 of a minute are used") as caught:
        await metering.request("named")
    assert (caught.value.retry_after, caught.value.metadata) == (7.0, {"limit": "requests_per_minute"})


async def test_tokens_are_reserved_while_a_request_runs(make):
    metering, *_ = make(tokens_per_minute=100)
    async with metering.tokens("named", 60):
        error = await refused(metering, 60)
    assert error.retry_after == 7.0
    assert error.metadata == {"limit": "tokens_per_minute"}


async def test_what_was_reserved_and_not_used_can_be_used_by_the_next(make):
    metering, windows, *_ = make(tokens_per_minute=100)
    await use(metering, 90, 5, 5)
    await use(metering, 90, 5, 5)  # 80 of credit, and 10 more
    assert windows.taken["tokens_per_minute", "named"] == 100
    assert await refused(metering, 81), "80 are left, as credit"
    await use(metering, 80, 40, 40)
    assert await refused(metering, 1)


async def test_a_request_that_no_model_answered_costs_nothing(make):
    metering, _, ledger, _ = make(tokens_per_minute=100, tokens_per_day=100)
    with pytest.raises(ZeroDivisionError):
        async with metering.tokens("named", 100):
            raise ZeroDivisionError
    assert ledger.written == []
    await use(metering, 100, 50, 50)


async def test_credit_ends_with_the_minute(make, monkeypatch):
    metering, *_ = make(tokens_per_minute=100)
    await use(metering, 100, 10)
    monkeypatch.setattr("jarvis.core.metering.metering.time.monotonic", lambda: float("inf"))
    assert await refused(metering, 50)


async def test_what_was_used_beyond_the_reservation_is_taken_by_the_next(make):
    metering, *_ = make(tokens_per_minute=100)
    await use(metering, 20, 20, 40)  # 40 more than was expected
    assert await refused(metering, 41)
    assert await refused(metering, 41), "the debt stays"
    await use(metering, 40, 40)
    assert await refused(metering, 1)


async def test_more_than_the_limit_at_once_will_never_do(make):
    metering, *_ = make(tokens_per_minute=100)
    error = await refused(metering, 101)
    assert error.retry_after is None
    assert "lower max_tokens" in str(error)


async def test_the_budget_of_a_day_ends_at_midnight(make):
    metering, *_ = make(tokens_per_day=100)
    await use(metering, 10, 30, 30)
    error = await refused(metering, 41)
    assert error.retry_after == 12 * 3600
    assert str(error) == (
        "tokens_per_day: 60 of 100 are used or reserved, and this request may need 41; try again in 43,200 s"
    )
    async with metering.tokens("named", 40):
        assert await refused(metering, 1), "what runs is reserved"
    error = await refused(metering, 101)
    assert error.retry_after is None
    assert "lower max_tokens" in str(error), "no wait makes room for it"


async def test_requests_that_come_at_once_do_not_share_what_is_left_of_the_day(make):
    metering, *_ = make(tokens_per_minute=1000, tokens_per_day=100)
    ended = await asyncio.gather(*(use(metering, 60, 30, 30) for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in ended] == [type(None)] + [LimitExceeded] * 4


async def test_who_is_refused_for_the_minute_has_nothing_reserved_of_the_day(make):
    metering, *_ = make(tokens_per_minute=50, tokens_per_day=100)
    await use(metering, 50, 1)
    await refused(metering, 50)
    await use(metering, 49, 1)


async def test_a_shadow_refuses_nobody_and_counts(make, caplog):
    caplog.set_level("INFO")
    limits = {"requests_per_minute": 1, "tokens_per_minute": 10, "tokens_per_day": 9}
    metering, _, _, counts = make(shadow=True, **limits)
    for _ in range(2):
        await metering.request("named")
    await use(metering, 11, 5, 5)
    await use(metering, 10, 5, 5)
    labels = ("caller", "named"), ("enforced", False)
    found = {limit: counts.counted[metrics.LIMITS_EXCEEDED, *labels, ("limit", limit)] for limit in limits}
    assert found == {"requests_per_minute": 1, "tokens_per_minute": 1, "tokens_per_day": 2}
    assert "would be refused: tokens_per_minute" in caplog.text
    assert "named" not in caplog.text, "no names of callers in logs"


async def test_usage_is_told_by_days(make):
    metering, _, ledger, _ = make()
    for day in ("2026-03-01", "2026-03-03", "2026-03-04"):
        ledger.add(CallerUsage(day, "a", "m", 1, 1, 1))
    assert [one.day for one in await metering.usage(2, None)] == ["2026-03-03", "2026-03-04"]
    assert await metering.usage(4, "b") == ()
