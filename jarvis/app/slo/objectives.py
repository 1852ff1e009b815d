"""Reads the objectives from the configuration."""

from jarvis.app.config import SLOConfig
from jarvis.core.telemetry.figures import Objective
from jarvis.core.telemetry.objectives import Availability

DAY_SECONDS = 86_400.0

SERVICES = ("GenerationService", "EmbeddingService", "RetrievalService")
"""The services whose calls are promised to work; operators' calls to ServerService are not."""
PROMISED_METHODS = tuple(f"jarvis.v1.{service}/" for service in SERVICES)
"""The prefixes of the methods that are promised to work."""


def objectives(config: SLOConfig) -> list[Objective]:
    """Return the objectives, with the names that `jarvis.core.telemetry.objectives` uses."""
    window = config.window_days * DAY_SECONDS
    latency, first_token = config.latency, config.time_to_first_token
    return [
        Objective("availability", config.availability.objective, window),
        Objective("latency", latency.objective, window, latency.threshold_seconds),
        Objective("time_to_first_token", first_token.objective, window, first_token.threshold_seconds),
    ]


def availability(config: SLOConfig) -> Availability:
    """Return which calls are promised to work, and which of them have failed."""
    return Availability(PROMISED_METHODS, frozenset(config.bad_codes))
