"""The default estimator agrees with the labelled queries of `bench/difficulty`."""

import pytest

from bench.difficulty import labels
from jarvis_difficulty.estimator import open_heuristic
from jarvis_difficulty.settings import HeuristicSettings


@pytest.fixture
async def estimate():
    async with open_heuristic(HeuristicSettings()) as heuristic:
        yield heuristic.estimate


async def test_most_labelled_questions_fall_into_their_tier(estimate):
    right = [
        (label.difficulty >= 30, label.difficulty >= 70) == (found.difficulty >= 30, found.difficulty >= 70)
        for label, found in [(label, await estimate(label.text)) for label in labels.load("tuned")]
    ]
    assert sum(right) / len(right) >= 0.78
