"""The settings of the adapter."""

from typing import Literal

from pydantic import Field

from jarvis_plugins import AdapterSettings


class Settings(AdapterSettings):
    """What is told of spans."""

    level: Literal["debug", "info"] = Field("debug", description="The level at which spans are logged.")
