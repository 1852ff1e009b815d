"""Tells how difficult a question is from the words and the shape of it, without a model."""

from jarvis_difficulty.estimator import open_heuristic
from jarvis_difficulty.settings import HeuristicSettings
from jarvis_plugins import Registry, hookimpl


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register `heuristic`."""
    registry.estimator("heuristic", settings=HeuristicSettings, factory=open_heuristic)
