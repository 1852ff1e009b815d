"""How an adapter says whether it is well."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Health:
    """Whether an adapter can do its work now, and why not where it cannot."""

    ok: bool
    message: str = ""
