"""The systemd unit is valid, and in step with the server."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from jarvis.app.config import load
from jarvis.server.lifecycle import CLOSE_SECONDS

ROOT = Path(__file__).parents[2]

FOLDER = ROOT / "deploy" / "systemd"


def test_systemd_takes_it(tmp_path):
    analyze = shutil.which("systemd-analyze") or pytest.skip("there is no systemd-analyze")
    text = re.sub(
        r"^ExecStart=\S+", "ExecStart=/bin/true", (FOLDER / "jarvis.service").read_text(), flags=re.MULTILINE
    )
    (tmp_path / "jarvis.service").write_text(text)
    verified = subprocess.run(
        [analyze, "verify", tmp_path / "jarvis.service"], check=False, capture_output=True, text=True
    )
    assert (verified.returncode, verified.stderr) == (0, "")


def test_its_environment_is_accepted(tmp_path, unit_environment):
    (tmp_path / "jarvis.toml").touch()
    config = load(tmp_path / "jarvis.toml", environ=unit_environment)
    assert config.server.drain_timeout_seconds == 60


def test_it_has_the_time_to_drain(tmp_path, unit, unit_environment):
    (tmp_path / "jarvis.toml").touch()
    server = load(tmp_path / "jarvis.toml", environ=unit_environment).server
    needed = server.drain_delay_seconds + server.drain_timeout_seconds + CLOSE_SECONDS
    (seconds,) = map(int, unit["TimeoutStopSec"])
    assert needed + 5 <= seconds <= needed + 60


def test_what_the_server_writes_can_be_written(unit, unit_environment):
    assert unit["ProtectSystem"] == ["strict"]
    (state,), (cache,) = unit["StateDirectory"], unit["CacheDirectory"]
    assert unit_environment["JARVIS_DATA_DIR"] == f"/var/lib/{state}"
    assert unit_environment["JARVIS_CACHE_DIR"] == unit_environment["HOME"] == f"/var/cache/{cache}"


def test_its_user_is_made(unit):
    (user,) = unit["User"]
    assert (FOLDER / "jarvis.sysusers").read_text().startswith(f"u {user} ")


def test_only_the_server_is_told_to_stop_and_a_wrong_configuration_is_not_tried_again(unit):
    assert (unit["KillMode"], unit["Restart"], unit["RestartPreventExitStatus"]) == (
        ["mixed"],
        ["on-failure"],
        ["2"],
    )
