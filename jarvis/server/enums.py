"""Reads values of the contract's enums."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from jarvis.core.violations import Violations

T = TypeVar("T")


def read(
    number: int, known: Mapping[Any, T], name: Callable[[Any], str], field: str, violations: Violations
) -> T | None:
    """Return what a value stands for; one that is not known is blamed, and None.

    Args:
        number: the value.
        known: what each value stands for.
        name: names a value, as the enum's `Name` does.
        field: the path of the field.
        violations: where it is blamed.
    """
    if number not in known:
        names = ", ".join(name(one) for one in known if one)
        violations.blame(field, f"must be one of {names}, got {number}")
    return known.get(number)
