"""The base of the contract's enums."""

from enum import StrEnum
from functools import cache
from typing import Self

UNKNOWN = "unknown"


class OpenEnum(StrEnum):
    """An enum to which newer versions of the contract may add values.

    A value that a newer peer sends and this version does not know is read as `unknown()`. That is not a
    member: iterating gives the known values, and only these can be sent.
    """

    @classmethod
    def unknown(cls) -> Self:
        """Return the value that stands for every unknown value; it equals "unknown"."""
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
