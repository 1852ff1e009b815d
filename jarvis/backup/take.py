"""Takes a backup, whether or not a server runs, which goes on meanwhile.

The store and the text index are copied as they are at one moment, between two calls to the store. What is
written to the store waits for that moment, in which only what has changed since a first copy is copied again.
A row whose change was begun is in the journal of the text index, so that a restored server completes it.
"""

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext, suppress
from pathlib import Path

from jarvis.backup import manifest
from jarvis.backup.manifest import BackupFailed, BackupRefused, writing
from jarvis.backup.places import MB, STORE, TEXTS, TEXTS_FILE, USAGE, USAGE_FILE, Places, Show
from jarvis_toolkit.folders import CHANGING, LOCKS, changing, locked

SQLITE = ".sqlite3"
OF_SQLITE = tuple(f"{SQLITE}{end}" for end in ("", "-wal", "-shm", "-journal"))
SETTLED_NS = 10**9
"""A file that was written so shortly before it was copied may change without its time of change telling."""

Stamps = dict[Path, tuple[int, int, int] | None]
"""The times of change, sizes and numbers of files that were copied; None for a file to copy again."""


def take(places: Places, target: Path, show: Show) -> None:
    """Make a backup in a new folder, which has its name as soon as it is whole.

    Raises:
        BackupRefused: there is something of that name, no folder to make it in, or nothing to back up.
        BackupFailed: the disk is full, or what is there is damaged.
        StoreUnusable: a server that is too old to wait for a backup runs on the store; its process is named.
    """
    partial = target.with_name(f"{target.name}.partial")
    manifest.check_outside(target, places.store)
    with writing(f"the backup {target} failed"):
        for there in (target, partial):
            if there.exists():
                raise BackupRefused(f"{there} is there already: delete it, or choose another name")
        if not target.parent.is_dir():
            raise BackupRefused(
                f"there is no folder {target.parent}: make it first, or mount what it is to be on"
            )
        partial.mkdir()
        try:
            if places.store and places.store.exists():
                _copy_store(places.store, places.texts, partial, show)
            if places.usage and places.usage.exists():
                with pinned(places.usage) as usage:
                    copy_database(usage, partial / USAGE / USAGE_FILE)
            if not any(partial.iterdir()):
                raise BackupRefused(f"there is nothing to back up: neither {places.store} nor {places.usage}")
            manifest.write(partial, places.adapter, show)
            sync(partial)
            partial.rename(target)
        finally:
            shutil.rmtree(partial, ignore_errors=True)


def _copy_store(store: Path, texts: Path | None, backup: Path, show: Show) -> None:
    into = backup / STORE
    into.mkdir()
    copied = _copy_changed(store, into, {}, show)
    waiting = changing(store) if (store / CHANGING).exists() else locked(store)
    file = texts / TEXTS_FILE if texts else None
    with ExitStack() as stack:
        with waiting:
            _copy_changed(store, into, copied, show)
            for one in store.rglob(f"*{SQLITE}"):
                with pinned(one) as database:
                    copy_database(database, into / one.relative_to(store))
            index = stack.enter_context(pinned(file) if file and file.exists() else nullcontext())
        if index:
            copy_database(index, backup / TEXTS / TEXTS_FILE)
    for one in into.rglob(f"*{SQLITE}"):
        with pinned(one) as database:
            _check(database, store / one.relative_to(into))


def _copy_changed(source: Path, target: Path, copied: Stamps, show: Show) -> Stamps:
    """Copy files that were not copied as they are now, and delete those that are gone; no SQLite files."""
    began, found, done = time.time_ns(), Stamps(), 0.0
    for file in source.rglob("*"):
        if file.name in LOCKS or file.name.endswith(OF_SQLITE):
            continue
        with suppress(FileNotFoundError):  # deleted meanwhile
            if not file.is_file():
                continue
            name, status = file.relative_to(source), file.stat()
            stamp = status.st_mtime_ns, status.st_size, status.st_ino
            found[name] = stamp if status.st_mtime_ns < began - SETTLED_NS else None
            if copied.get(name) != stamp:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(file, target / name)
                done += status.st_size / MB
                show(done, None)
    for name in copied.keys() - found.keys():
        (target / name).unlink(missing_ok=True)
    return found


@contextmanager
def pinned(file: Path) -> Iterator[sqlite3.Connection]:
    """Open a SQLite file, and see it in the block as it is now, whoever writes to it.

    Raises:
        BackupFailed: SQLite cannot read it.
    """
    try:
        with closing(
            sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=20)
        ) as database:
            database.execute("BEGIN")
            database.execute("SELECT 1 FROM sqlite_master").fetchone()
            yield database
    except sqlite3.Error as error:
        raise BackupFailed(f"{file}: {error}") from None


def copy_database(source: sqlite3.Connection, target: Path) -> None:
    """Copy a database as a connection sees it, into a file that is made, or replaced in one transaction."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with closing(sqlite3.connect(target, timeout=20)) as database:
            source.backup(database)
    except sqlite3.Error as error:
        raise BackupFailed(f"{target} cannot be written: {error}") from None


def _check(database: sqlite3.Connection, file: Path) -> None:
    (found,) = database.execute("PRAGMA quick_check(1)").fetchone()
    if found != "ok":
        raise BackupFailed(f"{file} is damaged: restore an older backup; SQLite says: {found}")


def sync(folder: Path) -> None:
    """Have the disk keep all that is in a folder, whatever happens to the machine."""
    for path in (*folder.rglob("*"), folder, folder.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
