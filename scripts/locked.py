"""Reads requirements/cpu.txt."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements" / "cpu.txt"
_PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?:\s+# via (?P<via>.*))?")
_OWN = "jarvis-"


@dataclass(frozen=True)
class Pin:
    """A package, its version, and the locked packages that need it."""

    name: str
    version: str
    needed_by: tuple[str, ...]

    @property
    def public(self) -> str:
        """The version without what a builder adds to it, such as `+cpu`."""
        return self.version.partition("+")[0]


def pins(lock: str) -> list[Pin]:
    """Return what a lock pins.

    Raises:
        ValueError: a line that is no comment pins nothing.
    """
    found = []
    for line in lock.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        if not (match := _PIN.fullmatch(line.strip())):
            msg = f"{LOCK.name} pins nothing in the line {line!r}"
            raise ValueError(msg)
        via = (one.strip() for one in (match["via"] or "").split(","))
        needed_by = tuple(one for one in via if one and not one.startswith((_OWN, "--")))
        found.append(Pin(match["name"], match["version"], needed_by))
    return found
