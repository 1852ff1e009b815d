"""Restores a backup: all is copied beside what is there, and takes its place at the end.

A restore that is killed leaves the old data, or the new. The text index is deleted first, because it must
never be of another store: a server that finds none makes it again.
"""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from jarvis.backup import manifest
from jarvis.backup.manifest import BackupFailed, BackupRefused, writing
from jarvis.backup.places import MB, STORE, TEXTS, TEXTS_FILE, USAGE, USAGE_FILE, Places, Show
from jarvis.backup.take import copy_database, pinned, sync
from jarvis_toolkit.folders import LOCKS, locked, replace_folder, successor


@dataclass(frozen=True)
class Step:
    """One part of a backup, where it goes, and how many files are replaced there."""

    part: str
    target: Path
    replaced: int


def plan(backup: Path, places: Places, show: Show) -> list[Step]:
    """Check a backup, and return what would be restored.

    Raises:
        BackupFailed: it is damaged.
        BackupRefused: it is not for this Jarvis or this configuration.
    """
    with writing(f"{backup} cannot be read"):
        manifest.check_outside(backup, places.store)
        found = manifest.read(backup)
        manifest.check(backup, found, show)
    steps = []
    targets = ((STORE, places.store), (TEXTS, places.texts), (USAGE, places.usage))
    for part, target in targets:
        if not (backup / part).exists():
            continue
        if part == STORE and (target is None or places.adapter != found["adapter"]):
            msg = f"{backup} is of the store {found['adapter']!r}; configured is {places.adapter!r}"
            raise BackupRefused(f"{msg}, which keeps its data elsewhere" if target is None else msg)
        if target:
            steps.append(Step(part, target, sum(1 for _ in _files(target))))
    return steps


def restore(backup: Path, places: Places, show: Show) -> None:
    """Put what `plan` has checked in place of what is there.

    Raises:
        BackupFailed: the disk is full, or a folder cannot be written; what was there is there.
        StoreUnusable: a server runs on that data; its process is named.
    """
    with writing("the restore failed"), ExitStack() as stack:
        store = places.store if (backup / STORE).exists() else None
        if store:
            _copy_store(backup, store, places.texts, stack, show)
        if (backup / USAGE).exists() and places.usage:
            _restore_usage(backup / USAGE / USAGE_FILE, places.usage)
        if store:  # last, as nothing that may fail is left
            _replace_store(store, places.texts)


def _copy_store(backup: Path, store: Path, texts: Path | None, stack: ExitStack, show: Show) -> None:
    stack.enter_context(locked(store))
    new = successor(store)
    shutil.rmtree(new, ignore_errors=True)
    stack.callback(shutil.rmtree, new, ignore_errors=True)  # if this fails, it takes no room
    total, done = sum(one.stat().st_size for one in _files(backup / STORE)) / MB, 0.0

    def copied(source: str, target: str) -> None:
        nonlocal done
        shutil.copyfile(source, target)
        done += Path(source).stat().st_size / MB
        show(done, total)

    shutil.copytree(backup / STORE, new, copy_function=copied)
    if texts:
        stack.enter_context(locked(texts))
        if (backup / TEXTS).exists():
            shutil.copyfile(backup / TEXTS / TEXTS_FILE, texts / "restoring")
            sync(texts)
    sync(new)
    stack.enter_context(locked(new))  # no server may start before the index is in place as well


def _replace_store(store: Path, texts: Path | None) -> None:
    index = texts / TEXTS_FILE if texts else None
    if index:
        _delete_database(index)
    before = replace_folder(store)
    sync(store)
    if index and (index.parent / "restoring").exists():
        (index.parent / "restoring").replace(index)
    shutil.rmtree(before)


def _restore_usage(source: Path, target: Path) -> None:
    with pinned(source) as database:
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with pinned(target) if target.exists() else ExitStack():
                pass
        except BackupFailed:  # it is damaged
            _delete_database(target)
        copy_database(database, target)


def _delete_database(file: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        file.with_name(f"{file.name}{end}").unlink(missing_ok=True)


def _files(target: Path) -> Iterator[Path]:
    if target.is_file():
        yield target
    yield from (one for one in target.rglob("*") if one.is_file() and one.name not in LOCKS)
