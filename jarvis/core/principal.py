"""Who a caller is, and what it may do."""

import hashlib
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class Role(StrEnum):
    """What a caller may do; none includes another.

    Attributes:
        INFER: generate, embed, search.
        WRITE: change collections and what is in them.
        OBSERVE: read the server's state and its metrics.
        ADMIN: end the requests of others, and change how the server runs.
    """

    INFER = "infer"
    WRITE = "write"
    OBSERVE = "observe"
    ADMIN = "admin"


@dataclass(frozen=True)
class Principal:
    """A caller that is known: its name, and its roles."""

    name: str
    roles: frozenset[Role]

    @cached_property
    def log_id(self) -> str:
        """What stands for the name in logs: 8 hexadecimal digits, the same each time."""
        return log_id(self.name)

    @cached_property
    def cache_salt(self) -> str:
        """What keeps a caller's prompts apart in the caches of engines; "" where nobody is known."""
        return _hash(self.name) if self.name else ""


def log_id(name: str) -> str:
    """Return what stands for a caller's name in logs."""
    return _hash(name)[:8]


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()


ANYONE = Principal("", frozenset(Role))
"""Every caller of a server that knows none of them, and those who reach its unix socket."""
principal: ContextVar[Principal] = ContextVar("principal", default=ANYONE)
"""Who makes the call that the running task serves."""
