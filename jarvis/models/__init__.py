"""Model references: names of the catalogue, local folders, and Hugging Face repositories."""

from jarvis.models.references import Progress, check, local, resolve

__all__ = ["Progress", "check", "local", "resolve"]
