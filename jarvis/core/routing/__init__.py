"""Which model answers: routes, the order of their models, and what happens when one cannot."""

from jarvis.core.routing.attempts import Attempt, begin
from jarvis.core.routing.routes import Route, Routes, Way, untroubled_first

__all__ = [
    "Attempt",
    "Route",
    "Routes",
    "Way",
    "begin",
    "untroubled_first",
]
