"""A plugin for Jarvis: the estimator `heuristic`, which judges without a model how difficult a text is."""

from jarvis_difficulty.estimator import open_heuristic
from jarvis_difficulty.settings import HeuristicSettings
from jarvis_plugins import Registry, hookimpl


@hookimpl
def jarvis_register_adapters(registry: Registry) -> None:
    """Register the estimator `heuristic`."""
    registry.estimator("heuristic", settings=HeuristicSettings, factory=open_heuristic)
