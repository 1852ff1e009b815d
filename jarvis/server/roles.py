"""The roles that allow each method, which stand beside it in its servicer."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from jarvis.core.principal import Role

M = TypeVar("M", bound=Callable[..., Any])


def needs(*roles: Role) -> Callable[[M], M]:
    """Mark a method of a servicer with the roles of which its callers need one."""

    def mark(method: M) -> M:
        method.roles = roles  # type: ignore[attr-defined]
        return method

    return mark


def roles(servicers: Mapping[str, object]) -> dict[str, tuple[Role, ...]]:
    """Return the roles that allow each method, by its full name, of servicers by their services' names."""
    return {
        f"{service}/{name}": method.roles
        for service, servicer in servicers.items()
        for name, method in vars(type(servicer)).items()
        if hasattr(method, "roles")
    }
