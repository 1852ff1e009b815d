"""Reads requirements/cpu.txt."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
LOCK = ROOT / "requirements" / "cpu.txt"
_PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>\S+)(?:\s+# via (?P<via>.*))?")
_OWN = "jarvis-"
TOOLS = {"bench", "dev", "test", "testkit"}
"""The extras of those who work on Jarvis."""


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


def required() -> set[str]:
    """Return the names of what the distributions require, less what only those need who work on them."""
    paths = (ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml"))
    projects = [tomllib.loads(path.read_text())["project"] for path in paths]
    wanted = [
        name
        for project in projects
        for extra, names in {"": project["dependencies"], **project.get("optional-dependencies", {})}.items()
        if extra not in TOOLS
        for name in names
    ]
    return {canonicalize_name(Requirement(name).name) for name in wanted}


def reachable(locked: list[Pin], required: set[str]) -> set[str]:
    """Return the names of what is required, and of what that needs, however indirectly."""
    found: set[str] = set()
    while new := {
        pin.name
        for pin in locked
        if pin.name not in found and (pin.name in required or not found.isdisjoint(pin.needed_by))
    }:
        found |= new
    return found
