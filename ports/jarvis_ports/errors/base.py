"""What errors have in common, and the two kinds that most of them are of."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar


@dataclass(frozen=True)
class FieldViolation:
    """What is wrong with one field of a request; `field` is its path, such as `messages[2].role`."""

    field: str
    description: str


class JarvisError(Exception):
    """The root. `retry_after` is in seconds, None if repeating does not help; `metadata` is for programs."""

    reason: ClassVar[str]
    retry_after: float | None = None
    metadata: Mapping[str, str] = MappingProxyType({})


class CallerError(JarvisError):
    """The request is to blame; `violations` name the fields at fault, if they are known."""

    violations: tuple[FieldViolation, ...] = ()


class Unavailable(JarvisError):
    """The request may succeed later, or at another server."""

    retry_after: float | None = 1.0
