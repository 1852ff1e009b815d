"""The settings of the cache on disk."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

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

    @model_validator(mode="before")
    @classmethod
    def _diskcache_is_installed(cls, values: Any) -> Any:  # noqa: ANN401 - pydantic hands over what it was given
        if find_spec("diskcache") is None:
            msg = f"diskcache is not installed: {how_to_install('diskcache')}"
            raise ValueError(msg)
        return values

    @property
    def folder(self) -> Path:
        """The folder that is used."""
        return Path(self.path).expanduser().absolute() if self.path else cache_folder("embeddings")
