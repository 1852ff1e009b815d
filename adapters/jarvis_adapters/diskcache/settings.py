"""The settings of the cache on disk."""

from importlib.util import find_spec
from pathlib import Path

from pydantic import Field

from jarvis_plugins import AdapterSettings
from jarvis_ports.extras import how_to_install
from jarvis_toolkit.folders import cache_folder


class DiskCacheSettings(AdapterSettings):
    """Settings of the `diskcache` cache."""

    path: str = Field(
        "", description="Its folder; in the user's cache folder when empty. It is made with mode 0700."
    )
    max_bytes: int = Field(
        2**30, ge=2**20, description="The most bytes of its file; what was stored first makes room."
    )

    @classmethod
    def missing(cls) -> str:
        """See `AdapterSettings.missing`."""
        return "" if find_spec("diskcache") else f"diskcache is not installed: {how_to_install('diskcache')}"

    @property
    def folder(self) -> Path:
        """The folder that is used."""
        return Path(self.path).expanduser().absolute() if self.path else cache_folder("embeddings")
