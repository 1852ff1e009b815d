"""The use case of generation."""

from jarvis.core.generation.generation import Generation

__all__ = ["Generation"]
