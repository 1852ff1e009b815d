"""The role that each method needs, which stands beside it in its servicer."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from jarvis.core.principal import Role

M = TypeVar("M", bound=Callable[..., Any])


def needs(role: Role) -> Callable[[M], M]:
    """Mark a method of a servicer with the role that its callers need."""

    def mark(method: M) -> M:
        method.role = role  # type: ignore[attr-defined]
        return method

    return mark


def roles(servicers: Mapping[str, object]) -> dict[str, Role]:
    """Return the role of each method by its full name, of the servicers by their services' names."""
    return {
        f"{service}/{name}": method.role
        for service, servicer in servicers.items()
        for name, method in vars(type(servicer)).items()
        if hasattr(method, "role")
    }
