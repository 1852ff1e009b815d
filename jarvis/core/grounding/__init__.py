"""Answers from what was found: sources go into the prompt, citations come out of the answer."""

from jarvis.core.grounding.citations import Cited, cited
from jarvis.core.grounding.ground import Grounding, Sources
from jarvis.core.grounding.types import Grounded, GroundingSettings

__all__ = [
    "Cited",
    "Grounded",
    "Grounding",
    "GroundingSettings",
    "Sources",
    "cited",
]
