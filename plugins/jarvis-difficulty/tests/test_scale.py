import pytest

from jarvis_difficulty.scale import difficulty, points
from jarvis_difficulty.signals import Weight

BASE = Weight(1, -1)


@pytest.mark.parametrize(
    ("odds", "expected"),
    [(Weight(50, 0), 10), (Weight(-50, -50), 50), (Weight(0, 50), 90), (Weight(0, 0), 50)],
)
def test_the_difficulty_is_the_middle_of_the_part_that_the_odds_are_for(odds, expected):
    assert difficulty(odds) == pytest.approx(expected)


@pytest.mark.parametrize(
    "moves",
    [
        [],
        [Weight(0, 0)],
        [Weight(0, 3), Weight(-2, 1), Weight(4, 0)],
        [Weight(0, 100), Weight(-100, 0)] * 20,
        [Weight(100, 100), Weight(-100, -100)],
    ],
)
def test_the_points_add_up_to_the_difficulty(moves):
    first, shares = points(BASE, moves)
    total = Weight(BASE.easy + sum(m.easy for m in moves), BASE.hard + sum(m.hard for m in moves))
    assert first == difficulty(BASE)
    assert first + sum(shares) == pytest.approx(difficulty(total))


def test_the_points_of_a_move_do_not_depend_on_its_place():
    moves = [Weight(0, 3), Weight(-2, 1), Weight(4, 0)]
    assert points(BASE, moves[::-1])[1] == pytest.approx(points(BASE, moves)[1][::-1])


def test_what_speaks_for_hard_adds_points_and_what_speaks_for_easy_takes_them():
    hard, easy = points(BASE, [Weight(0, 2), Weight(2, 0)])[1]
    assert easy < 0 < hard
