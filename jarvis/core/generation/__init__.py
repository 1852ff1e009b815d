"""The use case of generation."""

from jarvis.core.generation.generation import Generation
from jarvis.core.generation.images import ImageLimits

__all__ = ["Generation", "ImageLimits"]
