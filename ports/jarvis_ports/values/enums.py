"""What the enums of the contract have in common."""

from enum import StrEnum
from functools import cache
from typing import Self

UNKNOWN = "unknown"


class OpenEnum(StrEnum):
    """An enum to which newer versions of the contract may add values.

    What a newer peer sends and this version does not know is read as `unknown()`. That is no member:
    iterating gives the values that are known, and these alone can be sent.
    """

    @classmethod
    def unknown(cls) -> Self:
        """Return what stands for every value that is not known; it equals "unknown"."""
        return cls(UNKNOWN)

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        return cls._make_unknown() if value == UNKNOWN else None

    @classmethod
    @cache
    def _make_unknown(cls) -> Self:
        made = str.__new__(cls, UNKNOWN)
        made._name_ = UNKNOWN.upper()
        made._value_ = UNKNOWN
        return made
