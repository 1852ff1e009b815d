"""Finds the weights of the estimator `heuristic`: `python -m bench.difficulty.fit`.

The method is multinomial logistic regression (L2) of the tiers of `tuned.jsonl` and `everyday.jsonl` on the
signals found in their texts. This prints the weights to put into the adapter, and how often the tier is
right in ten-fold cross-validation. That share is still too high: the signals and their words were chosen
with the same texts at hand.
"""

import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold

from bench.difficulty.labels import NAMES, Query, load, tier
from jarvis_difficulty.estimator import Heuristic, found_in
from jarvis_difficulty.scale import difficulty
from jarvis_difficulty.settings import HeuristicSettings
from jarvis_difficulty.signals import SignalName, Weight

SIGNALS = [name for name in SignalName if name is not SignalName.BASE]
C = 0.5
SHARPENED = 2.0
"""The factor of the logits, without which the mean over the tiers would shrink to the middle."""
STEP = 0.2
"""The step to whose multiples the weights are rounded."""


def main() -> int:
    queries = [*load("tuned"), *load("everyday")]
    found, tiers = _found(queries), np.array([tier(query.difficulty) for query in queries])
    right = []
    for train, test in StratifiedKFold(10, shuffle=True, random_state=0).split(found, tiers):
        base, weights = _fit(found[train], tiers[train])
        right += [
            _tier(row, base, weights) == wanted for row, wanted in zip(found[test], tiers[test], strict=True)
        ]
    base, weights = _fit(found, tiers)
    for name, weight in zip([SignalName.BASE, *SIGNALS], [base, *weights], strict=True):
        print(f"    SignalName.{name.name}: Weight({weight.easy:g}, {weight.hard:g}),")
    print(
        f"{len(queries)} queries, {len(NAMES)} tiers; right in cross-validation: {np.mean(right):.2f}",
        file=sys.stderr,
    )
    return 0


def _found(queries: list[Query]) -> np.ndarray:
    """Return how many times its weight each signal is worth: a row per query, a column per signal."""
    heuristic = Heuristic(HeuristicSettings())
    rows = []
    for query in queries:
        worth = {name: times for name, times, _ in found_in(heuristic.read(query.text))}
        rows.append([worth.get(name, 0.0) for name in SIGNALS])
    return np.array(rows)


def _fit(found: np.ndarray, tiers: np.ndarray) -> tuple[Weight, list[Weight]]:
    model = LogisticRegression(C=C, max_iter=5000).fit(found, tiers)
    logits = np.column_stack([model.intercept_, model.coef_]) * SHARPENED
    easy, hard = (np.round((logits[end] - logits[1]) / STEP) * STEP + 0.0 for end in (0, 2))
    base, *weights = (Weight(round(e, 1), round(h, 1)) for e, h in zip(easy, hard, strict=True))
    return base, weights


def _tier(row: np.ndarray, base: Weight, weights: list[Weight]) -> int:
    easy = base.easy + sum(times * weight.easy for times, weight in zip(row, weights, strict=True))
    hard = base.hard + sum(times * weight.hard for times, weight in zip(row, weights, strict=True))
    return tier(round(difficulty(Weight(easy, hard))))


if __name__ == "__main__":
    sys.exit(main())
