"""Says what is in a backup: `backup.json`, with the size and the checksum of each file."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jarvis import __version__
from jarvis.backup.places import MB, Show

FORMAT = 1
NAME = "backup.json"


class BackupFailed(Exception):
    """A backup cannot be made or restored; the text says why, and what to do."""


class BackupRefused(BackupFailed):
    """Nothing was begun, as the folder that was named or the configuration does not suit."""


@contextmanager
def writing(what: str) -> Iterator[None]:
    """Make files for their owner alone, and raise what the system says (a full disk) as `BackupFailed`."""
    before = os.umask(0o077)
    try:
        yield
    except shutil.Error as error:  # what several files failed with
        raise BackupFailed(f"{what}: {error.args[0][0][-1]}") from None
    except OSError as error:
        raise BackupFailed(f"{what}: {error.filename or error}: {error.strerror}") from None
    finally:
        os.umask(before)


def check_outside(backup: Path, store: Path | None) -> None:
    """Check that a backup is not in the folder of the store, of which it would be a part.

    Raises:
        BackupRefused: it is.
    """
    if store and backup.resolve().is_relative_to(store.resolve()):
        raise BackupRefused(f"{backup} is in the folder of the store, {store}: choose a place outside")


def write(backup: Path, adapter: str, show: Show) -> None:
    """Write the manifest of the files that are in a backup."""
    made = datetime.now(UTC).isoformat(timespec="seconds")
    told = {"format": FORMAT, "jarvis": __version__, "made": made, "adapter": adapter}
    content = {**told, "files": sums(backup, show)}
    (backup / NAME).write_text(json.dumps(content, indent=1))


def read(backup: Path) -> dict[str, Any]:
    """Return the manifest of a backup.

    Raises:
        BackupRefused: it is no backup, or one that another version of Jarvis has to restore.
        BackupFailed: it is damaged.
    """
    try:
        found: dict[str, Any] = json.loads((backup / NAME).read_bytes())
        format_ = found["format"]
        if format_ == FORMAT:
            _ = found["adapter"], dict(found["files"])
    except FileNotFoundError:
        raise BackupRefused(f"{backup} is no backup: it has no {NAME}") from None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise BackupFailed(f"{backup / NAME} is damaged ({error}): take another backup") from None
    if format_ != FORMAT:
        msg = f"{backup} has the format {format_}, and this Jarvis reads {FORMAT}: restore it with Jarvis"
        raise BackupRefused(f"{msg} {found.get('jarvis')}")
    return found


def check(backup: Path, manifest: dict[str, Any], show: Show) -> None:
    """Compare the files of a backup with its manifest.

    Raises:
        BackupFailed: a file is missing, is another, or is not in the manifest.
    """
    found, wanted = sums(backup, show), manifest["files"]
    if wrong := sorted(name for name in found | wanted if found.get(name) != wanted.get(name)):
        kind = (
            "is not of it" if wrong[0] not in wanted else "is damaged" if wrong[0] in found else "is missing"
        )
        raise BackupFailed(f"{backup}: {wrong[0]} {kind}: take another backup; nothing was restored")


def sums(backup: Path, show: Show) -> dict[str, str]:
    """Return the checksum (SHA-256) of each file of a backup, by its path there; "" of what is no file."""
    there = [one for one in backup.rglob("*") if one.is_symlink() or not one.is_dir()]
    found = {one.relative_to(backup).as_posix(): "" for one in there if not one.is_file()}
    files = sorted(one for one in there if one.is_file() and one != backup / NAME)
    total, done = sum(one.stat().st_size for one in files), 0
    for file in files:
        digest = hashlib.sha256()
        with file.open("rb") as content:
            while part := content.read(MB):
                digest.update(part)
                done += len(part)
                show(done / MB, total / MB)
        found[file.relative_to(backup).as_posix()] = digest.hexdigest()
    return found
