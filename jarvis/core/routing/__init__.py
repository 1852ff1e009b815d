"""Which model answers: routes, the order of their models, and what happens when one cannot."""

from jarvis.core.routing.attempts import Attempt, begin
from jarvis.core.routing.routes import Destination, Route, Routes, first_loaded, untroubled_first

__all__ = [
    "Attempt",
    "Destination",
    "Route",
    "Routes",
    "begin",
    "first_loaded",
    "untroubled_first",
]
