"""The simulation of many servers gives what is known by formula, and loses no request."""

import random
from dataclasses import replace

import pytest

from bench.scaling.simulate import Cluster, at_random, by_turns, erlang_c, of_two, simulate

ENDLESS = 10**9


def exponential(mean):
    return lambda chance: chance.expovariate(1 / mean)


@pytest.mark.slow
@pytest.mark.parametrize(("slots", "load"), [(1, 0.7), (8, 6.4), (16, 12.8)])
def test_one_server_waits_as_erlang_says(slots, load):
    cluster = Cluster(1, slots, ENDLESS, exponential(1.0), load, at_random)
    found = simulate(cluster, 200_000 / load, 100, seed=1)
    expected = erlang_c(slots, load)
    waited = sum(wait > 0 for wait in found.waits) / len(found.waits)
    assert waited == pytest.approx(expected, rel=0.05)
    mean = sum(found.waits) / len(found.waits)
    assert mean == pytest.approx(expected / (slots - load), rel=0.1)


def test_the_formula_of_erlang_gives_what_is_known():
    assert erlang_c(1, 0.7) == pytest.approx(0.7)  # M/M/1
    assert erlang_c(2, 1.0) == pytest.approx(1 / 3)


@pytest.fixture
def cluster():
    def draw(chance: random.Random) -> float:
        return 0.5 + chance.random()

    return Cluster(50, 8, 4, draw, 0.9 * 50 * 8, of_two)


def test_who_knows_the_loads_waits_less_than_by_chance(cluster):
    def unserved(pick, **settings):
        found = simulate(replace(cluster, pick=pick, **settings), 60, 10, seed=1)
        return sum(found.waits) / len(found.waits), len(found.refused)

    two, turns, chance = unserved(of_two), unserved(by_turns), unserved(at_random)
    for better in (two, turns):
        assert better[0] < chance[0]
        assert better[1] < chance[1]
    late = unserved(of_two, known_after=1.0)
    assert late[1] > chance[1]  # all go where there was room a second ago


def test_the_same_seed_gives_the_same(cluster):
    assert simulate(cluster, 5, 1, seed=3) == simulate(cluster, 5, 1, seed=3)
    assert simulate(cluster, 5, 1, seed=3) != simulate(cluster, 5, 1, seed=4)


def test_each_request_is_served_refused_or_lost(cluster):
    failing = replace(cluster, failing=0.2, fails_at=20, down=20, noticed_after=1)
    found = simulate(failing, 60, 0, seed=1)
    ended = len(found.waits) + len(found.refused) + len(found.lost)
    running = 10 * 12  # what the ten that failed worked on is counted twice, at most
    assert found.requests - 50 * 4 <= ended <= found.requests + running
    sent_to_the_dead = 0.2 * cluster.rate * failing.noticed_after
    assert sent_to_the_dead <= len(found.lost) <= 1.3 * sent_to_the_dead + running
    assert all(20 <= at <= 21 for at in found.lost)


def test_while_servers_are_down_the_others_are_full_and_then_no_more(cluster):
    found = simulate(replace(cluster, failing=0.2, fails_at=20, down=20, noticed_after=1), 80, 10, seed=1)
    while_down, before, after = (
        sum(since <= at < since + 15 for at in found.refused) for since in (25, 5, 60)
    )
    assert while_down > 10 * max(before, after, 1)
