"""Reads the objectives from the configuration."""

from jarvis.app.config import SLOConfig
from jarvis.core.figures import Objective

DAY_SECONDS = 86_400.0


def objectives(config: SLOConfig) -> list[Objective]:
    """Say what is promised; names are those of `jarvis.core.objectives`."""
    window = config.window_days * DAY_SECONDS
    latency, first_token = config.latency, config.time_to_first_token
    return [
        Objective("availability", config.availability.objective, window),
        Objective("latency", latency.objective, window, latency.threshold_seconds),
        Objective("time_to_first_token", first_token.objective, window, first_token.threshold_seconds),
    ]
