"""A backup is of one moment, whatever others write meanwhile."""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading

import pytest

from jarvis.backup import BackupFailed, Places, plan, restore, take
from jarvis_ports.errors import StoreUnusable
from jarvis_toolkit.folders import changing, locked, successor

WRITER = """
import sqlite3, sys
from pathlib import Path
from jarvis_toolkit.folders import changing

store, texts = map(Path, sys.argv[1:])
rows = sqlite3.connect(store / "rows.sqlite3", isolation_level=None)
words = sqlite3.connect(texts / "text.sqlite3", isolation_level=None)
for database in rows, words:
    database.execute("CREATE TABLE said (what)")
words.execute("PRAGMA journal_mode = WAL")
for number in range(1_000_000):
    words.execute("INSERT INTO said VALUES (?)", (f"begun {number}",))
    with changing(store):
        (store / f"vectors{number % 20}").write_text(str(number) * 200)
        rows.execute("INSERT INTO said VALUES (?)", (number,))
        (store / f"more{number % 20}").write_text(str(number) * 200)
    words.execute("INSERT INTO said VALUES (?)", (f"committed {number}",))
    print(number, flush=True)
"""


def show(done, total):
    """Show nothing."""


@pytest.fixture
def places(tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "texts").mkdir()
    return Places("files", tmp_path / "store", tmp_path / "texts", None)


def values(file):
    with sqlite3.connect(file) as database:
        return [what for (what,) in database.execute("SELECT what FROM said")]


def test_it_has_all_that_was_done_and_nothing_by_halves(places, tmp_path):
    command = [sys.executable, "-c", WRITER, str(places.store), str(places.texts)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        try:
            for turn in range(5):
                for _ in range(30):
                    done = int(writer.stdout.readline())
                backup = tmp_path / f"backup{turn}"
                take(places, backup, show)
                numbers = values(backup / "store" / "rows.sqlite3")
                last = numbers[-1]
                assert last >= done
                assert numbers == list(range(last + 1))
                for number in range(max(0, last - 19), last + 1):
                    for kind in ("vectors", "more"):
                        assert (backup / "store" / f"{kind}{number % 20}").read_text() == str(number) * 200
                words = set(values(backup / "text-index" / "text.sqlite3"))
                assert words >= {f"begun {number}" for number in numbers}
                assert f"committed {last + 1}" not in words
        finally:
            writer.kill()


def test_it_waits_for_the_call_that_runs(places, tmp_path):
    (places.store / "changing").touch()
    (places.store / "file").write_text("before")
    with changing(places.store):
        taking = threading.Thread(target=take, args=(places, tmp_path / "backup", show))
        taking.start()
        taking.join(0.5)
        (places.store / "file").write_text("after!")  # as long, and maybe in the same tick of the clock
        (places.store / "another").write_text("made")
    taking.join()
    assert (tmp_path / "backup" / "store" / "file").read_text() == "after!"
    assert (tmp_path / "backup" / "store" / "another").read_text() == "made"


def test_a_server_too_old_to_wait_is_named(places, tmp_path):
    with locked(places.store), pytest.raises(StoreUnusable, match=f"the process {os.getpid()} uses it"):
        take(places, tmp_path / "backup", show)
    assert not (tmp_path / "backup").exists()


def test_nothing_is_overwritten(places, tmp_path):
    for name in ("backup", "other.partial"):
        (tmp_path / name).mkdir()
        with pytest.raises(BackupFailed, match=f"{name} is there already"):
            take(places, tmp_path / name.removesuffix(".partial"), show)
        assert (tmp_path / name).exists()


def test_a_folder_of_the_store_is_no_place_for_it(places, tmp_path):
    (tmp_path / "link").symlink_to(places.store)
    for folder in (places.store, tmp_path / "link"):
        with pytest.raises(BackupFailed, match="is in the folder of the store"):
            take(places, folder / "backup", show)
    assert not (places.store / "backup.partial").exists()


def test_nothing_to_back_up_is_told(places, tmp_path):
    shutil.rmtree(places.store)
    with pytest.raises(BackupFailed, match="there is nothing to back up"):
        take(places, tmp_path / "backup", show)


@pytest.mark.parametrize("size", [0, 8192])
def test_a_damaged_store_makes_no_backup(places, tmp_path, size):
    file = places.store / "rows.sqlite3"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE said (what)")
        database.executemany("INSERT INTO said VALUES (?)", [("x" * 500,)] * 100)
    with file.open("r+b") as content:
        content.seek(size)
        content.write(os.urandom(8192))
    with pytest.raises(BackupFailed, match=r"store/rows\.sqlite3"):
        take(places, tmp_path / "backup", show)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store", "texts"]


def limited(work):
    """Run work in a process whose files cannot grow beyond 100,000 bytes; gives what it raised."""
    reading, writing = os.pipe()
    if not os.fork():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
        try:
            work()
        except BackupFailed as error:
            os.write(writing, str(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        text = told.read()
    os.wait()
    return text


@pytest.mark.parametrize("name", ["vectors", "rows.sqlite3"])
def test_a_full_disk_is_told_and_leaves_nothing_behind(places, tmp_path, name):
    with sqlite3.connect(places.store / "rows.sqlite3") as database:
        database.execute("CREATE TABLE said (what)")
        database.execute("INSERT INTO said VALUES (?)", ("x" * 200_000 * (name != "vectors"),))
    (places.store / "vectors").write_bytes(bytes(200_000 * (name == "vectors")))
    told = limited(lambda: take(places, tmp_path / "backup", show))
    assert f"backup.partial/store/{name}" in told or "File too large" in told
    assert sorted(path.name for path in tmp_path.iterdir()) == ["store", "texts"]
    take(places, tmp_path / "backup", show)
    shutil.rmtree(places.store)
    (places.store).mkdir()
    (places.store / "old").touch()
    plan(tmp_path / "backup", places, show)
    told = limited(lambda: restore(tmp_path / "backup", places, show))
    assert "the restore failed" in told
    assert "[(" not in told
    assert (places.store / "old").exists()
    assert not successor(places.store).exists(), "it takes no room"
    restore(tmp_path / "backup", places, show)
    assert (places.store / "vectors").exists()
