"""Texts with a question each: the docstrings of Python's standard library."""

import ast
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LEAST_FIRST = 20
LEAST_REST = 80
"""The fewest characters of the first sentence, and of the text that follows it."""
SKIPPED = {"site-packages", "test", "tests", "idlelib", "turtledemo", "lib2to3"}
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Docstring(NamedTuple):
    """A docstring, split after its first sentence."""

    first: str
    rest: str


def docstrings() -> list[Docstring]:
    """Return the docstrings that are long enough, once each, in the order of files; import no module."""
    return list(dict.fromkeys(found for path in _modules() for found in _docstrings(path)))


def _modules() -> list[Path]:
    root = Path(sysconfig.get_path("stdlib"))
    return sorted(path for path in root.rglob("*.py") if not SKIPPED & set(path.relative_to(root).parts))


def _docstrings(path: Path) -> Iterator[Docstring]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        text = ast.get_docstring(node) if isinstance(node, Documented) else None
        first, _, rest = " ".join((text or "").split()).partition(". ")
        if len(first) >= LEAST_FIRST and len(rest) >= LEAST_REST:
            yield Docstring(first, rest)
