"""How the model of an answer was chosen."""

from dataclasses import dataclass

from jarvis_ports.values.enums import OpenEnum


class RoutingReason(OpenEnum):
    """Why this model answers."""

    NAMED = "named"
    """The request names it."""
    ROUTED = "routed"
    """It comes first in its route."""
    FALLBACK = "fallback"
    """Models that come before it could not answer."""


@dataclass(frozen=True, slots=True)
class SkippedModel:
    """A model that was passed over; `reason` is that of its error, or CIRCUIT_OPEN if it kept failing."""

    model: str
    reason: str


@dataclass(frozen=True, slots=True)
class Routing:
    """How the model was chosen. `route` is None if the request names it; `skipped` were passed over first."""

    route: str | None
    reason: RoutingReason
    skipped: tuple[SkippedModel, ...] = ()
