"""Service-level objectives: what is promised, and the Prometheus rules that watch over it."""

from jarvis.app.slo.names import prometheus_name
from jarvis.app.slo.objectives import PROMISED_METHODS, availability, objectives
from jarvis.app.slo.ratios import failed
from jarvis.app.slo.rules import generate, recorded_names

__all__ = [
    "PROMISED_METHODS",
    "availability",
    "failed",
    "generate",
    "objectives",
    "prometheus_name",
    "recorded_names",
]
