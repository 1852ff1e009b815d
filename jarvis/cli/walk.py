"""Finds the files that are ingested."""

import errno
import os
import stat
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from jarvis.cli.ignore import Rules, above, ignored, made, own

HIDDEN = "hidden"
IGNORED = "ignored by Git"
NO_FILE = "a pipe, a socket or a device"
NOWHERE = "a link that leads nowhere"
NOT_INCLUDED = "not included"
GONE = "gone meanwhile"


@dataclass
class Listing:
    """The files to take, once each and in order, and what is not taken; skipped folders end with a slash."""

    files: dict[Path, None] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    """The kind of each file or folder that is skipped on purpose, by its path."""
    failures: dict[str, str] = field(default_factory=dict)
    """Why a file or a folder cannot be taken, by its path."""
    bare: list[str] = field(default_factory=list)
    """The named folders from which nothing is taken."""
    unlisted: bool = False
    """Whether a path could not be looked into, so that files may be missing from the listing."""

    def kinds(self) -> Counter[str]:
        """Count what is skipped, by kind."""
        return Counter(self.skipped.values())

    def cannot_list(self, path: str, error: OSError) -> None:
        """Record a path that could not be looked into, and why."""
        self.failures[readable(str(error.filename or path))] = error.strerror or str(error)
        self.unlisted = True


def readable(path: str) -> str:
    """Return a path as valid text, whatever its bytes are."""
    return os.fsencode(path).decode(errors="backslashreplace")


def beginning(folder: str) -> str:
    """Return what the paths of everything in a folder begin with."""
    return os.path.join(folder, "")  # noqa: PTH118 - Path has no last /


def is_included(path: str, include: Sequence[str]) -> bool:
    """Return whether a path matches one of the glob patterns; any path does if there are none."""
    return not include or any(PurePath(path).match(glob) for glob in include)


def walk(paths: Sequence[Path], include: Sequence[str], *, ignore: bool = True) -> Listing:
    """List files, and the files in folders and their subfolders, each once and in the order of their names.

    A folder that several links lead to is entered once, through the first.

    Args:
        paths: files, which are taken whatever their kind, and folders.
        include: glob patterns; files in folders must match one, and may be of any kind. Without any, the
            kinds that can be read are taken.
        ignore: leave out what is hidden, what Git ignores, packages and caches, unless it is one of `paths`.
    """
    walker = _Walker(include, ignore=ignore)
    for given in paths:
        walker.take(os.path.abspath(given))  # noqa: PTH100 - resolve() would follow links
    return walker.listing


class _Walker:
    def __init__(self, include: Sequence[str], *, ignore: bool) -> None:
        self.listing = Listing()
        self._include = include
        self._ignore = ignore
        self._entered: set[tuple[int, int]] = set()

    def take(self, path: str) -> None:
        """Take a file, or the files of a folder, that was named."""
        try:
            mode = os.stat(path).st_mode  # noqa: PTH116 - paths are texts here: there may be very many
            rules = above(path) if self._ignore and stat.S_ISDIR(mode) else []
        except OSError as error:
            self.listing.cannot_list(path, error)
            return
        if stat.S_ISREG(mode):
            self._file(path)
        elif stat.S_ISDIR(mode):
            self._all_of(path, rules)
        else:
            self.listing.failures[readable(path)] = f"it is {NO_FILE}: send what it gives to - --source NAME"

    def _all_of(self, top: str, rules: Sequence[Rules]) -> None:
        entered = len(self._entered)
        waiting: list[tuple[str, Sequence[Rules]]] = [(top, rules)]
        while waiting:
            folder, rules = waiting.pop()
            waiting += reversed(self._folder(folder, rules))
        below = beginning(top)
        if len(self._entered) > entered and not any(
            str(file).startswith(below) for file in self.listing.files
        ):
            self.listing.bare.append(readable(top))

    def _folder(self, folder: str, rules: Sequence[Rules]) -> list[tuple[str, Sequence[Rules]]]:
        """Take the files of a folder, and return the folders in it that must be entered."""
        try:
            status = os.stat(folder)  # noqa: PTH116
            if (status.st_dev, status.st_ino) in self._entered:
                return []
            self._entered.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
            rules = [*(own(folder) if self._ignore else ()), *rules]
        except OSError as error:
            self.listing.cannot_list(folder, error)
            return []
        below: list[tuple[str, Sequence[Rules]]] = []
        for entry in entries:
            try:
                if self._wanted(entry, rules):
                    below.append((entry.path, rules))
            except OSError as error:
                self._cannot_be_looked_at(entry, error)
        return below

    def _wanted(self, entry: "os.DirEntry[str]", rules: Sequence[Rules]) -> bool:
        """Take an entry of a folder, or skip it; return whether it is a folder that must be entered.

        Raises:
            OSError: it cannot be looked at, or is gone.
        """
        path = entry.path
        folder = f"{path}/" if entry.is_dir(follow_symlinks=False) else path  # to Git, a link is a file
        if self._ignore and entry.name.startswith("."):
            self._skip(folder, HIDDEN)
            return False
        if self._ignore and ignored(rules, [folder]):
            self._skip(folder, IGNORED)
            return False
        mode = entry.stat().st_mode
        if stat.S_ISDIR(mode):
            if self._ignore and (what := made(path)):
                self._skip(f"{path}/", what)
                return False
            return True
        if not stat.S_ISREG(mode):
            self._skip(path, NO_FILE)
        elif why := self._passed_over(path):
            self._skip(path, why)
        else:
            self._file(path)
        return False

    def _passed_over(self, path: str) -> str | None:
        from jarvis.documents.kinds import handles  # noqa: PLC0415 - other commands do not need it

        if self._include:
            return None if is_included(path, self._include) else NOT_INCLUDED
        if handles(path):
            return None
        ending = os.path.splitext(path)[1].lower()  # noqa: PTH122
        return f"of unknown kind {ending}" if ending else "of unknown kind, without an ending"

    def _cannot_be_looked_at(self, entry: "os.DirEntry[str]", error: OSError) -> None:
        if entry.is_symlink() and error.errno in {errno.ENOENT, errno.ENOTDIR, errno.ELOOP}:
            self._skip(entry.path, NOWHERE)
        elif error.errno == errno.ENOENT:
            self._skip(entry.path, GONE)
        else:
            self.listing.cannot_list(entry.path, error)

    def _skip(self, path: str, kind: str) -> None:
        self.listing.skipped[readable(path)] = readable(kind)

    def _file(self, path: str) -> None:
        try:
            path.encode()
        except UnicodeEncodeError:
            self.listing.failures[readable(path)] = "its name is not UTF-8"
        else:
            self.listing.files[Path(path)] = None
