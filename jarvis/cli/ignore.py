"""Finds what Git ignores, and what no person wrote: folders of packages and caches."""

import os
import re
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

FILE = ".gitignore"
PACKAGES = frozenset({"bower_components", "node_modules", "site-packages"})
CACHES = frozenset({"__pycache__"})
CACHE_TAG = "CACHEDIR.TAG"
CACHE_SIGNATURE = b"Signature: 8a477f597d28d172789f06886806bc55"
"""What the file CACHEDIR.TAG of a cache begins with; see https://bford.info/cachedir/."""


@dataclass(frozen=True)
class Rules:
    """A file's patterns, the last one first, and whether each ignores; they hold below `base`."""

    base: str
    patterns: Sequence[tuple[re.Pattern[str], bool]]


def made(folder: str) -> str | None:
    """Return "packages" or "a cache" for a folder that programs fill, and None for any other."""
    name = os.path.basename(folder)  # noqa: PTH119 - paths are texts here: there may be very many
    if name in PACKAGES or os.path.isfile(os.path.join(folder, "pyvenv.cfg")):  # noqa: PTH113, PTH118
        return "packages"
    return "a cache" if name in CACHES or _is_tagged(folder) else None


def _is_tagged(folder: str) -> bool:
    try:
        with open(os.path.join(folder, CACHE_TAG), "rb") as tag:  # noqa: PTH118, PTH123
            return tag.read(len(CACHE_SIGNATURE)) == CACHE_SIGNATURE
    except OSError:
        return False


def own(folder: str) -> list[Rules]:
    """Read the rules of a folder's own `.gitignore`; a line that is no pattern is skipped, as in Git.

    Raises:
        OSError: it cannot be read.
    """
    return _read(folder, os.path.join(folder, FILE))  # noqa: PTH118


def above(folder: str) -> list[Rules]:
    """Read the rules that a folder inherits from above it in its repository, the nearest first.

    If they ignore the folder itself, return none: whoever names the folder wants it.

    Raises:
        OSError: a file of rules cannot be read.
    """
    parents: list[str] = []
    root = folder
    while not os.path.exists(os.path.join(root, ".git")):  # noqa: PTH110, PTH118
        if root == os.path.dirname(root):  # noqa: PTH120
            return []
        root = os.path.dirname(root)  # noqa: PTH120
        parents.append(root)
    rules = [one for parent in parents for one in own(parent)]
    rules += _read(root, os.path.join(root, ".git", "info", "exclude"))  # noqa: PTH118
    return [] if ignored(rules, _each_folder(folder, root)) else rules


def _each_folder(folder: str, root: str) -> Iterable[str]:
    """Yield the folder, and those above it that are below the root, each with a slash at its end."""
    while folder != root:
        yield f"{folder}/"
        folder = os.path.dirname(folder)  # noqa: PTH120


def ignored(rules: Sequence[Rules], paths: Iterable[str]) -> bool:
    """Return whether any of the paths is itself ignored; the path of a folder ends with a slash.

    Nobody asks about what is in an ignored folder: Git does not look into it either. The nearest file of
    rules with a pattern that matches decides, by the last such pattern in it.
    """
    return any(_ignored(rules, path) for path in paths)


def _ignored(rules: Sequence[Rules], path: str) -> bool:
    for one in rules:
        below = path[len(one.base.rstrip("/")) + 1 :]
        for pattern, ignores in one.patterns:
            found = pattern.search(below)
            # `a/**` means what is in the folder, and not the folder itself.
            if found and not (found[0].endswith("/") and found.end() == len(below) and not found.lastgroup):
                return ignores
    return False


def _read(base: str, file: str) -> list[Rules]:
    from pathspec import GitIgnoreSpec  # noqa: PLC0415 - only wanted here
    from pathspec.patterns.gitignore import GitIgnorePatternError  # noqa: PLC0415

    try:
        if not stat.S_ISREG(os.lstat(file).st_mode):  # like Git: not through a link
            return []
        with open(file, encoding="utf-8-sig", errors="surrogateescape") as lines:  # noqa: PTH123
            text = lines.read()
    except (FileNotFoundError, NotADirectoryError):
        return []
    patterns: list[tuple[re.Pattern[str], bool]] = []
    for line in text.split("\n"):
        try:
            parsed = GitIgnoreSpec.from_lines([line]).patterns
        except GitIgnorePatternError:
            continue
        for one in parsed:
            if one.regex and one.include is not None:
                patterns.insert(0, (_itself(one.regex), one.include))
    return [Rules(base, patterns)]


def _itself(pattern: re.Pattern[str]) -> re.Pattern[str]:
    """Make a pattern of pathspec match a path itself, and not what is in a folder that matches.

    A pattern that matches the latter ends with a group for the folder's slash. pathspec judges files without
    walking, also by the folders above them; folders that `!*/` takes back would then stay ignored.
    """
    return re.compile(rf"{pattern.pattern}\Z", pattern.flags) if pattern.groupindex else pattern
