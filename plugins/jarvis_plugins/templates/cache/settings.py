"""The settings of the adapter."""

from pydantic import Field

from jarvis_plugins import AdapterSettings


class Settings(AdapterSettings):
    """How much it keeps."""

    max_entries: int = Field(5000, ge=1, description="The most values that it keeps.")
