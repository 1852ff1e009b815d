"""The settings of the adapter."""

from pydantic import Field

from jarvis_plugins import AdapterSettings


class Settings(AdapterSettings):
    """How much is read."""

    max_tokens: int = Field(
        256, ge=2, description="Tokens that are read of a query and a document; the rest is cut off."
    )
