"""The health that an adapter reports."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Health:
    """Whether an adapter can do its work now, and if not, why."""

    ok: bool
    message: str = ""
