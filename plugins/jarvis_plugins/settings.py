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


class AdapterSettings(BaseModel):
    """The base of every adapter's settings: immutable, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=())
