"""The settings of the adapter."""

from pydantic import Field

from jarvis_plugins import AdapterSettings


class Settings(AdapterSettings):
    """What the vectors are made of."""

    dimension: int = Field(256, ge=1, description="Components of a vector.")
    max_tokens: int = Field(256, ge=1, description="Tokens that are read of a text; the rest is cut off.")
