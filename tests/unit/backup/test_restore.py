"""A restore that is killed leaves the old data or the new, and never a text index of another store."""

import json
import os
import sqlite3
import sys

import pytest

from jarvis.backup import BackupFailed, Places, plan, restore, take
from jarvis_ports.errors import StoreUnusable
from jarvis_toolkit.folders import locked

STEPS = {
    "os.rename",
    "os.remove",
    "os.mkdir",
    "os.rmdir",
    "shutil.copyfile",
    "shutil.rmtree",
    "sqlite3.connect",
}


def show(done, total):
    """Show nothing."""


def fill(folder, content):
    """Make the data of a server, all of which says the same."""
    places = Places("files", folder / "store", folder / "texts", folder / "usage" / "usage.sqlite")
    for file in (folder / "store" / "rows.sqlite3", folder / "texts" / "text.sqlite3", places.usage):
        file.parent.mkdir(parents=True, exist_ok=True)
        with sqlite3.connect(file) as database:
            database.execute("CREATE TABLE said (what)")
            database.execute("INSERT INTO said VALUES (?)", (content,))
        database.close()
    (folder / "store" / "vectors").mkdir()
    (folder / "store" / "vectors" / f"{content}.bin").write_text(content)
    return places


def said(file):
    if not file.exists():
        return None
    with sqlite3.connect(file) as database:
        return database.execute("SELECT what FROM said").fetchone()[0]


def content(places):
    """Return what the store, the text index and the usage say, as a server that starts finds them."""
    with locked(places.store):
        vectors = [file.read_text() for file in (places.store / "vectors").iterdir()]
        assert vectors == [said(places.store / "rows.sqlite3")]
    return vectors[0], said(places.texts / "text.sqlite3"), said(places.usage)


@pytest.fixture
def backup(tmp_path):
    take(fill(tmp_path / "new", "new"), tmp_path / "backup", show)
    return tmp_path / "backup"


def killed_at(step, backup, places):
    """Restore in a process that ends before its `step`th change of a file; gives whether it came that far."""
    if not (child := os.fork()):
        seen = [0]

        def count(event, _):
            seen[0] += event in STEPS
            if seen[0] == step:
                os._exit(9)

        sys.addaudithook(count)
        restore(backup, places, show)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_a_kill_at_any_step_leaves_the_old_or_the_new(backup, tmp_path):
    step, found = 1, set()
    while True:
        places = fill(tmp_path / f"data-{step}", "old")
        killed = killed_at(step, backup, places)
        store, texts, usage = content(places)
        assert texts in {None, store}
        assert usage in {"old", "new"}
        found.add((store, texts, usage))
        restore(backup, places, show)  # a second one completes it, and leaves nothing of the first
        assert content(places) == ("new", "new", "new")
        assert sorted(file.name for file in places.store.parent.iterdir()) == ["store", "texts", "usage"]
        if not killed:
            break
        step += 1
    assert {("old", "old", "old"), ("old", None, "new"), ("new", None, "new"), ("new", "new", "new")} <= found


def test_it_goes_to_where_nothing_is(backup, tmp_path):
    places = Places("files", tmp_path / "a" / "store", tmp_path / "a" / "texts", tmp_path / "b" / "usage")
    assert [step.replaced for step in plan(backup, places, show)] == [0, 0, 0]
    restore(backup, places, show)
    assert content(places) == ("new", "new", "new")
    assert places.store.stat().st_mode & 0o077 == 0


def test_a_damaged_ledger_is_replaced(backup, tmp_path):
    places = fill(tmp_path / "data", "old")
    places.usage.write_bytes(b"no database, " * 1000)
    restore(backup, places, show)
    assert content(places) == ("new", "new", "new")


def test_an_old_index_goes_where_the_backup_has_none(tmp_path):
    places = fill(tmp_path / "new", "new")
    take(Places("files", places.store, None, None), tmp_path / "backup", show)
    places = fill(tmp_path / "data", "old")
    restore(tmp_path / "backup", places, show)
    assert content(places) == ("new", None, "old")


def test_a_server_that_runs_is_named(backup, tmp_path):
    places = fill(tmp_path / "data", "old")
    for folder in (places.store, places.texts):
        with locked(folder), pytest.raises(StoreUnusable, match=f"the process {os.getpid()} uses it"):
            restore(backup, places, show)
    assert content(places) == ("old", "old", "old")


def test_a_ledger_that_cannot_be_written_leaves_all_as_it_was(backup, tmp_path):
    places = fill(tmp_path / "data", "old")
    (tmp_path / "file").touch()
    elsewhere = Places("files", places.store, places.texts, tmp_path / "file" / "usage")
    with pytest.raises(BackupFailed, match="the restore failed"):
        restore(backup, elsewhere, show)
    assert content(places) == ("old", "old", "old")
    assert sorted(file.name for file in places.store.parent.iterdir()) == ["store", "texts", "usage"]


def test_a_backup_in_the_folder_of_the_store_is_refused(backup, tmp_path):
    places = fill(tmp_path / "data", "old")
    backup.rename(places.store / "backup")
    with pytest.raises(BackupFailed, match="is in the folder of the store"):
        plan(places.store / "backup", places, show)


def cut(backup):
    file = backup / "store" / "rows.sqlite3"
    file.write_bytes(file.read_bytes()[:-1])


def manifest(backup, **changes):
    file = backup / "backup.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | changes))


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (cut, r"store/rows\.sqlite3 is damaged: take another backup"),
        (lambda b: (b / "store" / "vectors" / "new.bin").unlink(), r"vectors/new\.bin is missing"),
        (lambda b: (b / "store" / "more").touch(), "store/more is not of it"),
        (lambda b: (b / "store" / "more").symlink_to("/etc"), "store/more is not of it"),
        (lambda b: (b / "store" / "more").symlink_to("nowhere"), "store/more is not of it"),
        (lambda b: os.mkfifo(b / "store" / "more"), "store/more is not of it"),
        (lambda b: (b / "backup.json").unlink(), "is no backup: it has no backup.json"),
        (lambda b: (b / "backup.json").write_text("{"), "backup.json is damaged"),
        (lambda b: (b / "backup.json").write_text("[]"), "backup.json is damaged"),
        (lambda b: manifest(b, files=None), "backup.json is damaged"),
        (lambda b: manifest(b, format=2, jarvis="9.0"), "has the format 2, and this Jarvis reads 1.* 9.0"),
        (lambda b: manifest(b, adapter="other"), "is of the store 'other'; configured is 'files'"),
    ],
)
def test_what_is_no_sound_backup_is_refused(backup, tmp_path, damage, told):
    damage(backup)
    with pytest.raises(BackupFailed, match=told):
        plan(backup, fill(tmp_path / "data", "old"), show)


def test_a_store_elsewhere_cannot_be_restored_here(backup):
    with pytest.raises(BackupFailed, match="keeps its data elsewhere"):
        plan(backup, Places("files", None, None, None), show)
