"""What the settings of adapters are made of."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict


@dataclass(frozen=True)
class ResolvedByHost:
    """Marks a setting that the host replaces by a local folder before it calls the factory."""


ModelRef = Annotated[str, ResolvedByHost()]
"""A model: a name from the catalogue, a local folder, or a Hugging Face repository id.

The factory gets a folder.
"""


@dataclass(frozen=True)
class MemoryDemand:
    """What an adapter will take of a memory that others want as well.

    `share` is of all of that memory, 1.0 being the whole; `detail` gives the figures behind it.
    """

    memory: str
    share: float
    detail: str


class AdapterSettings(BaseModel):
    """The base of every adapter's settings: immutable; an unknown key, inf and nan are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, protected_namespaces=())

    def memory_demand(self) -> MemoryDemand | None:
        """Return what it will take; None is too little to matter. A `ModelRef` is a folder, if there is one.

        The host refuses a configuration whose models together want more than there is.
        """
        return None
