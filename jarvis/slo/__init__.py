"""Service-level objectives: what is promised, and the Prometheus rules that watch over it."""

from jarvis.slo.names import prometheus_name
from jarvis.slo.objectives import objectives
from jarvis.slo.rules import generate, recorded_names

__all__ = ["generate", "objectives", "prometheus_name", "recorded_names"]
