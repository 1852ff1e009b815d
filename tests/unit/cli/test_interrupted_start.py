"""Ctrl-C while the command starts."""

import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.slow

# What pip installs as `jarvis`, which says when Python's own start, of which nothing is ours, is over.
COMMAND = """
import sys
import jarvis.cli
print("begun", flush=True)
from jarvis.cli.main import main
sys.exit(main())
"""
MOMENTS = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.7)


@pytest.fixture
def ended(tmp_path):
    """Start a command, send it Ctrl-C after so many seconds, and return its exit code and what it said."""
    (tmp_path / "jarvis").write_text(COMMAND)

    def ended(moment: float, *arguments: str) -> tuple[int, str]:
        process = subprocess.Popen(
            [sys.executable, str(tmp_path / "jarvis"), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "JARVIS_DATA_DIR": str(tmp_path)},
        )
        assert process.stdout.readline() == "begun\n"
        time.sleep(moment)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        return process.returncode, err

    return ended


def test_no_traceback_is_shown_while_a_command_starts(ended, tmp_path):
    for moment in MOMENTS:
        code, err = ended(moment, "status", "--watch", "--server", f"unix:{tmp_path}/none.sock")
        assert (code in {-signal.SIGINT, 130, 0}, err.strip()) == (True, ""), f"{moment} s: {code}, {err}"


def test_none_is_shown_while_the_server_is_imported(ended, tmp_path):
    settings = ("models.echo.adapter=echo", 'http.listen=""', f'server.listen=["unix:{tmp_path}/a.sock"]')
    arguments = [part for setting in settings for part in ("--set", setting)]
    for moment in MOMENTS:
        code, err = ended(moment, "serve", *arguments)
        assert (code in {-signal.SIGINT, 130, 0}, "Traceback" in err) == (True, False), f"{moment} s: {err}"


def test_at_the_beginning_it_ends_by_the_signal(ended):
    assert ended(0.0, "--help") == (-signal.SIGINT, "")


def test_what_else_imports_the_command_line_keeps_its_handler():
    code = "import signal, jarvis.cli; print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout == "True\n"
