"""The settings of the adapter."""

from pydantic import Field

from jarvis_plugins import AdapterSettings


class Settings(AdapterSettings):
    """How the model answers."""

    context_length: int = Field(4096, ge=1, description="Tokens that prompt and answer have at most.")
