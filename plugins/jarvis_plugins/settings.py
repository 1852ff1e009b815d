"""The base of adapters' settings, and the types of their fields."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, model_validator


@dataclass(frozen=True)
class ResolvedByHost:
    """Marks a setting that the host replaces with a local folder before it calls the factory."""


ModelRef = Annotated[str, ResolvedByHost()]
"""A model: a name from the catalogue, a local folder, or a Hugging Face repository id.

The factory gets a folder.
"""


@dataclass(frozen=True)
class MemoryDemand:
    """The part of a shared memory that an adapter will take.

    `share` is a fraction of the whole memory, which is 1.0; `detail` gives the figures behind it.
    """

    memory: str
    share: float
    detail: str


class AdapterSettings(BaseModel):
    """The base of every adapter's settings. They are immutable; unknown keys, inf and nan are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    @classmethod
    def missing(cls) -> str:
        """Return what is not installed that the adapter needs, and how to install it; "" if all is there.

        Settings are refused with it, and lists of adapters show it; it does not import what it looks for.
        """
        return ""

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_missing(cls, values: Any) -> Any:  # noqa: ANN401 - pydantic hands over what it was given
        if missing := cls.missing():
            raise ValueError(missing)
        return values

    def memory_demand(self) -> MemoryDemand | None:
        """Return the memory that the adapter will take, or None if it is too little to matter.

        A `ModelRef` is a folder here, if one was found. The host refuses a configuration whose models
        together want more memory than there is.
        """
        return None

    def kept_in(self) -> Path | None:
        """Return the folder with data that cannot be made again, or None if the adapter keeps none there.

        `jarvis backup` copies it while the adapter is in no block of `jarvis_toolkit.folders.changing`, and
        what is in SQLite files (`*.sqlite3`) by SQLite's own means.
        """
        return None
