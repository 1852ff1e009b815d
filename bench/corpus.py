"""Docstrings of Python's standard library, as texts with a question each, and sentences of all packages."""

import ast
import re
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

LEAST_FIRST = 20
LEAST_REST = 80
"""The fewest characters of the first sentence, and of the text that follows it."""
LEAST_SENTENCE = 40
SKIPPED = {"site-packages", "test", "tests", "idlelib", "turtledemo", "lib2to3"}
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Docstring(NamedTuple):
    """A docstring, split after its first sentence."""

    first: str
    rest: str


def docstrings() -> list[Docstring]:
    """Return the docstrings that are long enough, once each, in the order of files; import no module."""
    return list(dict.fromkeys(found for path in _modules() for found in _docstrings(path)))


def sentences() -> list[str]:
    """Return the sentences, once each, of the docstrings of all packages that are installed; import none."""
    packages = Path(sysconfig.get_path("purelib"))
    texts = (text for path in sorted(packages.rglob("*.py")) for text in _texts(path))
    found = (sentence for text in texts for sentence in re.split(r"(?<=[.!?:]) ", text))
    return list(dict.fromkeys(one for one in found if len(one) >= LEAST_SENTENCE))


def _modules() -> list[Path]:
    root = Path(sysconfig.get_path("stdlib"))
    return sorted(path for path in root.rglob("*.py") if not SKIPPED & set(path.relative_to(root).parts))


def _docstrings(path: Path) -> Iterator[Docstring]:
    for text in _texts(path):
        first, _, rest = text.partition(". ")
        if len(first) >= LEAST_FIRST and len(rest) >= LEAST_REST:
            yield Docstring(first, rest)


def _texts(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        text = ast.get_docstring(node) if isinstance(node, Documented) else None
        yield " ".join((text or "").split())
