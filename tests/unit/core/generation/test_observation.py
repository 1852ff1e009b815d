"""What is told of requests to models."""

import pytest

from jarvis.core.generation.observation import difficulty_range


@pytest.mark.parametrize(
    ("difficulty", "expected"),
    [
        (None, "unknown"),
        (0, "0-20"),
        (19, "0-20"),
        (20, "20-40"),
        (79, "60-80"),
        (80, "80-100"),
        (100, "80-100"),
    ],
)
def test_a_difficulty_is_in_one_of_five_ranges(difficulty, expected):
    assert difficulty_range(difficulty) == expected
