"""How a model was found for a request."""

from dataclasses import dataclass
from enum import StrEnum

CIRCUIT_OPEN = "CIRCUIT_OPEN"
"""In place of an error's reason: it had failed too often to be tried first."""


class RoutingReason(StrEnum):
    """Why a model answers."""

    NAMED = "named"
    """The request names it."""
    ROUTED = "routed"
    """It comes first in its route."""
    FALLBACK = "fallback"
    """Others come before it, and could not answer."""


@dataclass(frozen=True, slots=True)
class SkippedModel:
    """A model that was passed over, and the reason of its error, or `CIRCUIT_OPEN`."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Routing:
    """How a model was found; `route` is None where the request names the model."""

    route: str | None
    reason: RoutingReason
    skipped: tuple[SkippedModel, ...] = ()
