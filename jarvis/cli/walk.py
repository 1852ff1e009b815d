"""Which files of a folder are ingested."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Listing:
    """The files to take, each once, in order; those whose kind is unknown are only counted."""

    files: dict[Path, None] = field(default_factory=dict)
    skipped: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    """Why a file or a folder cannot be taken, by its path."""
    unlisted: bool = False
    """Whether a folder could not be listed: nobody knows then what is in it."""


def walk(paths: Sequence[Path], include: Sequence[str]) -> Listing:
    """List files, and the files in folders and their folders, each once and in order of their names.

    Hidden files and folders are left out. A folder that several links lead to is entered once, by the first.

    Args:
        paths: files, which are taken whatever they are, and folders.
        include: glob patterns; files in folders must match one, whatever their kind. Without any, the kinds
            that can be read are taken.
    """
    from jarvis.documents import handles  # noqa: PLC0415 - libraries that other commands do not need

    listing = Listing()
    entered: set[tuple[int, int]] = set()
    for given in paths:
        path = Path(os.path.abspath(given))  # noqa: PTH100 - resolve() would follow links
        if not path.is_dir():
            _take(path, listing)
            continue
        for file in _files(path, listing, entered):
            known = any(file.match(glob) for glob in include) if include else handles(str(file))
            if known and file.is_file():  # and no pipe, on which reading would wait
                _take(file, listing)
            else:
                listing.skipped += 1
    return listing


def _take(file: Path, listing: Listing) -> None:
    try:
        str(file).encode()
    except UnicodeEncodeError:
        listing.failures[os.fsencode(file).decode(errors="replace")] = "its name is not UTF-8"
    else:
        listing.files[file] = None


def _files(folder: Path, listing: Listing, entered: set[tuple[int, int]]) -> Iterator[Path]:
    def failed(error: OSError) -> None:
        listing.failures[str(error.filename)] = error.strerror or str(error)
        listing.unlisted = True

    for root, folders, files in os.walk(folder, onerror=failed, followlinks=True):
        status = os.stat(root)  # noqa: PTH116 - as os.walk itself
        if (status.st_dev, status.st_ino) in entered:
            folders.clear()
            continue
        entered.add((status.st_dev, status.st_ino))
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(root, name) for name in sorted(files) if not name.startswith("."))
