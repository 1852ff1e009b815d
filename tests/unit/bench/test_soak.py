"""The rule by which the soak finds that something grows."""

import random

import pytest

from bench.soak.growth import HOUR, Bounds, grown, slope
from bench.soak.plot import plot
from bench.soak.verdict import AFTER, BEFORE, FIGURES, LOAD, MEMORY, growth, table
from bench.soak.watch import Sample

TIMES = [4.0 * number for number in range(180)]
"""12 minutes."""
LEAK = 2 * MEMORY.an_hour / HOUR
"""Twice as much as is allowed, a second."""


def noisy(seed, leak=0.0):
    """Return memory as it is: it varies, has peaks while requests are large, and now and then steps down."""
    random_ = random.Random(seed)  # noqa: S311 - no secret
    return [
        500
        + random_.gauss(0, 2)
        + (60 if random_.random() < 0.1 else 0)
        - (10 if random_.random() < 0.05 else 0)
        + leak * seconds
        for seconds in TIMES
    ]


def samples(memory, tasks_after=15.0):
    figures = dict.fromkeys(FIGURES, 15.0)
    name = "memory of the server, MiB"
    return [
        Sample(0, BEFORE, {**figures, name: memory[0]}),
        *(
            Sample(at, LOAD, {**figures, "tasks of the server": 90.0, name: value})
            for at, value in zip(TIMES, memory, strict=True)
        ),
        Sample(TIMES[-1] + 30, AFTER, {**figures, "tasks of the server": tasks_after, name: memory[-1]}),
    ]


@pytest.mark.parametrize("seed", range(20))
def test_a_leak_is_found_in_noise_and_noise_alone_is_none(seed):
    assert growth(samples(noisy(seed))) == []
    (problem,) = growth(samples(noisy(seed, LEAK)))
    assert problem.startswith("memory of the server, MiB: grows by ")


def test_what_is_left_when_callers_have_gone_is_found_though_it_does_not_grow_under_load():
    assert growth(samples(noisy(0), tasks_after=16)) == [
        "tasks of the server: was 15 before the load and is 16 after it"
    ]
    assert growth(samples(noisy(0), tasks_after=14)) == []


def test_the_slope_is_that_of_most_samples():
    line = [3 * at + 7 for at in TIMES]
    assert slope(TIMES, line) == pytest.approx(3)
    assert slope(TIMES, [*line[:-30], *[10_000.0] * 30]) == pytest.approx(3, rel=0.1)


def test_what_is_given_back_within_a_minute_is_no_growth():
    sawtooth = [500 + at % 60 / 4 + (8 if at > 400 and at % 60 > 40 else 0) for at in TIMES]
    assert slope(TIMES, sawtooth) * HOUR > 0
    assert growth(samples(sawtooth)) == []


def test_a_bound_that_is_open_is_not_judged():
    assert grown(Bounds(), TIMES, TIMES, 0, 99) == []


def test_the_plot_is_small_and_has_a_graph_for_each_figure(tmp_path):
    many = samples(noisy(0))
    plot(tmp_path / "soak.svg", many, list(FIGURES))
    text = (tmp_path / "soak.svg").read_text()
    assert all(name in text for name in FIGURES)
    assert len(text) < 200_000
    assert len(list(table(many))) == len(FIGURES) + 2
