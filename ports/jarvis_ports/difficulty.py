"""The port of an estimator that says how difficult a question is to answer."""

from dataclasses import dataclass
from typing import Protocol

from jarvis_ports.health import Health
from jarvis_ports.values import Signal

__all__ = ["HARDEST", "DifficultyEstimator", "Estimate", "Signal"]

HARDEST = 100
"""The highest difficulty; the scale begins at 0."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """The difficulty of a text, in [0, 100], and its language (ISO 639-1), or None if it is unknown.

    `signals` moved the estimate; the one with the most points comes first.
    """

    difficulty: int
    language: str | None = None
    signals: tuple[Signal, ...] = ()


class DifficultyEstimator(Protocol):
    """Estimates, before any model is asked, how difficult it is to answer a text."""

    async def estimate(self, text: str) -> Estimate:
        """Estimate a caller's text of any length, even an empty one. The same text has the same estimate.

        Every answer waits for this call, so it has to be quick. If it raises, the request goes on without
        an estimate.
        """
        ...

    async def health(self) -> Health:
        """Return at once whether it can estimate."""
        ...
