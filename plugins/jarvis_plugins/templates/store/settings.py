"""The settings of the adapter."""

from jarvis_plugins import AdapterSettings


class Settings(AdapterSettings):
    """Where the rows are: in memory, so that there is nothing to set."""
