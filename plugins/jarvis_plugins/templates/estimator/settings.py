"""The settings of the adapter."""

from pydantic import Field

from jarvis_plugins import AdapterSettings


class Settings(AdapterSettings):
    """What counts as difficult."""

    hardest_words: int = Field(100, ge=1, description="A text of so many words is as hard as can be.")
