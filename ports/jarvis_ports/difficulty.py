"""The port of an estimator that tells how difficult a question is to answer."""

from dataclasses import dataclass
from typing import Protocol

from jarvis_ports.health import Health
from jarvis_ports.values import Signal

__all__ = ["HARDEST", "DifficultyEstimator", "Estimate", "Signal"]

HARDEST = 100
"""The end of the scale, which begins at 0."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """How difficult a text is, in [0, 100]; its language (ISO 639-1), None where it is not known.

    `signals` are what moved the estimate, the most points first.
    """

    difficulty: int
    language: str | None = None
    signals: tuple[Signal, ...] = ()


class DifficultyEstimator(Protocol):
    """Estimates, before any model is asked, how difficult it is to answer a text."""

    async def estimate(self, text: str) -> Estimate:
        """Estimate one text of a caller: of any length, possibly empty. The same text has the same estimate.

        It stands before every answer, so it has to be quick. An error costs the request nothing but its
        estimate.
        """
        ...

    async def health(self) -> Health:
        """Return whether it can estimate; answers at once."""
        ...
