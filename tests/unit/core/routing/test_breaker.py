"""The circuit breaker of a model."""

import pytest

from jarvis.core.routing.breaker import CircuitBreaker


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return CircuitBreaker(3, 10, clock)


def fail(breaker, times=1):
    for _ in range(times):
        with breaker.attempt():
            breaker.failed()


def test_it_opens_after_so_many_failures_in_a_row(breaker):
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert not breaker.open
    fail(breaker)
    assert breaker.open


def test_after_a_while_one_probe_is_let_through(breaker, clock):
    fail(breaker, 3)
    clock.now = 9.9
    assert breaker.open
    clock.now = 10
    assert not breaker.open
    with breaker.attempt():
        assert breaker.open, "one probe at a time"
    assert not breaker.open, "a probe that was cancelled says nothing"


def test_a_probe_that_succeeds_closes_it_at_once(breaker, clock):
    fail(breaker, 3)
    clock.now = 10
    with breaker.attempt():
        breaker.succeeded()
        assert not breaker.open
    fail(breaker, 2)
    assert not breaker.open


def test_a_probe_that_fails_opens_it_again(breaker, clock):
    fail(breaker, 3)
    clock.now = 10
    fail(breaker)
    assert breaker.open
    clock.now = 19.9
    assert breaker.open
    clock.now = 20
    assert not breaker.open


def test_a_request_that_was_no_probe_ends_none(breaker, clock):
    fail(breaker, 3)
    with breaker.attempt():
        clock.now = 10
        with breaker.attempt():
            with breaker.attempt():
                pass
            assert breaker.open
