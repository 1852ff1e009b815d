"""Turns the weights of the signals found into a difficulty, and into the points of each signal."""

from collections.abc import Sequence
from math import exp
from typing import Final

from jarvis_difficulty.signals import Weight

_EASY: Final = 10
_MIDDLE: Final = 50
_HARD: Final = 90
"""The middles of the three parts of the scale into which labels fall: below 30, below 70, and from 70 on."""
_LIMIT: Final = 300.0
"""The largest log-odds used: `exp` would overflow far beyond it, and the outcome is long decided there."""
_STEPS: Final = 4


def points(base: Weight, moves: Sequence[Weight]) -> tuple[float, list[float]]:
    """Return the difficulty of a text without signals, and by how much each move changes it.

    The difficulty is the mean of the three parts of the scale, weighted by their odds. All moves are made
    together, in small steps; each has its share of every step, so that the points add up in any order.
    """
    easy, hard = sum(move.easy for move in moves), sum(move.hard for move in moves)
    slopes = [
        _slope(base.easy + easy * part, base.hard + hard * part)
        for part in ((step + 0.5) / _STEPS for step in range(_STEPS))
    ]
    by_easy, by_hard = (sum(slope) / _STEPS for slope in zip(*slopes, strict=True))
    first, last = difficulty(base), difficulty(Weight(base.easy + easy, base.hard + hard))
    shares = [move.easy * by_easy + move.hard * by_hard for move in moves]
    whole = sum(map(abs, shares))
    rest = (last - first - sum(shares)) / whole if whole else 0.0  # the error of the coarse steps
    return first, [share + rest * abs(share) for share in shares]


def difficulty(odds: Weight) -> float:
    """Return the mean of the three parts of the scale, weighted by their odds."""
    easy, hard = _shares(*odds)
    return _MIDDLE + (_EASY - _MIDDLE) * easy + (_HARD - _MIDDLE) * hard


def _slope(easy: float, hard: float) -> tuple[float, float]:
    """Return how fast the difficulty grows with the log-odds of easy and of hard."""
    low, high = _shares(easy, hard)
    mean = (_EASY - _MIDDLE) * low + (_HARD - _MIDDLE) * high
    return low * (_EASY - _MIDDLE - mean), high * (_HARD - _MIDDLE - mean)


def _shares(easy: float, hard: float) -> tuple[float, float]:
    low, high = exp(max(-_LIMIT, min(easy, _LIMIT))), exp(max(-_LIMIT, min(hard, _LIMIT)))
    return low / (1 + low + high), high / (1 + low + high)
