"""A benchmark that is stopped leaves what it has measured: printed, and in its file."""

import json
import os
import signal
import subprocess
import sys

import pytest

SCRIPT = """
import sys, time
from dataclasses import dataclass
from pathlib import Path
from bench.found import Found

@dataclass
class Round:
    speed: float

with Found(Path(sys.argv[1]), lambda found: print("table of", len(found.of("side"))), plan="short") as found:
    found.add("side", Round(2.0))
    found.add("side", Round(4.0))
    if sys.argv[2:] == ["fails"]:
        raise RuntimeError("the server did not start")
    time.sleep(60)
"""
LINES = ["side: speed 2", "side: speed 4"]


def begun(*arguments):
    """Begin a benchmark, and read what it prints as it goes."""
    command = [sys.executable, "-c", SCRIPT, *map(str, arguments)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    return process, [process.stdout.readline().strip() for _ in LINES]


def ended(process):
    """Return what else it printed, and what it complained of."""
    rest = process.stdout.read(), process.stderr.read()  # not communicate(), which skips what is buffered
    process.wait(timeout=30)
    return rest


def saved(file):
    return json.loads(file.read_text())


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_stopped_it_shows_what_it_has(tmp_path, signal_):
    process, lines = begun(tmp_path / "found.json")
    assert lines == LINES
    process.send_signal(signal_)
    out, err = ended(process)
    assert (out, process.returncode) == ("table of 2\n", 130)
    assert "ended early" in err
    assert saved(tmp_path / "found.json") == {
        "plan": "short",
        "found": {"side": [{"speed": 2.0}, {"speed": 4.0}]},
    }


def test_killed_it_has_printed_and_saved_what_it_had(tmp_path):
    process, lines = begun(tmp_path / "found.json")
    process.kill()
    ended(process)
    assert lines == LINES
    assert len(saved(tmp_path / "found.json")["found"]["side"]) == 2


def test_what_was_measured_before_an_error_is_shown(tmp_path):
    process, _ = begun(tmp_path / "found.json", "fails")
    out, err = ended(process)
    assert out == "table of 2\n"
    assert "the server did not start" in err
    assert process.returncode == 1
