"""What callers used is kept, whatever happens to the server."""

import sqlite3
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from jarvis.usage import SQLiteLedger
from jarvis_ports.errors import StoreUnusable
from jarvis_ports.values import CallerUsage

TODAY = datetime.now(UTC).date().isoformat()


def used(caller="a", model="m", tokens=10):
    return CallerUsage(TODAY, caller, model, 1, tokens, 2 * tokens)


@pytest.fixture
def file(tmp_path):
    return tmp_path / "usage" / "usage.sqlite"


async def test_it_adds_up_and_is_there_after_a_restart(file):
    for _ in range(2):
        ledger = SQLiteLedger(file)
        with ledger.running():
            ledger.add(used())
            ledger.add(used())
            ledger.add(used("b", "n"))
            found = await ledger.since(TODAY, None)
            own = await ledger.since(TODAY, "b")
    assert found == [CallerUsage(TODAY, "a", "m", 4, 40, 80), CallerUsage(TODAY, "b", "n", 2, 20, 40)]
    assert own == found[1:]
    with (again := SQLiteLedger(file)).running():
        assert again.tokens(TODAY, "a") == 120
        assert again.tokens("2020-01-01", "a") == 0


async def test_two_servers_write_to_one_file(file):
    one, other = SQLiteLedger(file), SQLiteLedger(file)
    with one.running(), other.running():
        one.add(used())
        other.add(used())
        await other.since(TODAY, None)
        assert (await one.since(TODAY, "a"))[0].requests == 2


KILLED = """
import sys, time
from pathlib import Path
from jarvis.usage import SQLiteLedger
from jarvis_ports.values import CallerUsage
ledger = SQLiteLedger(Path(sys.argv[1]))
with ledger.running():
    ledger.add(CallerUsage(sys.argv[2], "a", "m", 1, 10, 20))
    time.sleep(60)
"""


def test_what_was_written_is_there_after_a_kill(file):
    process = subprocess.Popen([sys.executable, "-c", KILLED, file, TODAY])
    try:
        deadline = time.monotonic() + 30
        while not _rows(file) and time.monotonic() < deadline:
            time.sleep(0.2)
    finally:
        process.kill()
        process.wait()
    with (ledger := SQLiteLedger(file)).running():
        assert ledger.tokens(TODAY, "a") == 30


def _rows(file):
    if not file.exists():
        return []
    try:
        with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as database:
            return database.execute("SELECT * FROM usage").fetchall()
    except sqlite3.OperationalError:
        return []


async def test_what_cannot_be_written_is_kept_until_it_can(file, caplog):
    ledger = SQLiteLedger(file)
    with ledger.running():
        other = sqlite3.connect(file, isolation_level=None)
        ledger._database.execute("PRAGMA busy_timeout = 0")
        other.execute("BEGIN EXCLUSIVE")  # as a full disk does, it makes every write fail
        ledger.add(used())
        ledger._write()
        ledger.add(used())
        assert "usage is not written for now" in caplog.text
        other.execute("COMMIT")
        other.close()
        assert (await ledger.since(TODAY, "a"))[0].requests == 2


def test_a_file_that_cannot_be_used_is_told(file, tmp_path):
    file.parent.mkdir()
    file.write_bytes(b"no database, " * 100)
    with pytest.raises(
        StoreUnusable, match=r"usage: .*usage\.sqlite: file is not a database; .*move it away"
    ):
        SQLiteLedger(file).running().__enter__()
    with pytest.raises(StoreUnusable, match=r"usage: .*Not a directory"):
        SQLiteLedger(file / "in" / "a file").running().__enter__()


def test_a_newer_format_is_left_alone(file):
    with SQLiteLedger(file).running():
        pass
    with sqlite3.connect(file) as database:
        database.execute("PRAGMA user_version = 2")
    with pytest.raises(StoreUnusable, match=r"a newer Jarvis wrote it \(format 2, not 1\)"):
        SQLiteLedger(file).running().__enter__()


async def test_days_long_past_are_dropped(file):
    with (ledger := SQLiteLedger(file)).running():
        ledger.add(CallerUsage("2020-01-01", "a", "m", 1, 1, 1))
    with (ledger := SQLiteLedger(file)).running():
        assert await ledger.since("2000-01-01", None) == []
