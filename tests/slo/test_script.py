"""scripts/prometheus.sh, where there is nothing to fetch Prometheus with."""

import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts/prometheus.sh"


@pytest.fixture
def fetch(tmp_path):
    """Run it in a folder of its own, with these programs and no others."""

    def run(programs=(), **environ):
        (tmp_path / "scripts").mkdir()
        (tmp_path / "bin").mkdir()
        shutil.copy(SCRIPT, tmp_path / "scripts")
        for program in ("dirname", "mkdir", "mktemp", "rm", "tail"):
            (tmp_path / "bin" / program).symlink_to(shutil.which(program))
        for program, text in dict(programs).items():
            made = tmp_path / "bin" / program
            made.write_text(f"#!/bin/sh\n{text}\n")
            made.chmod(0o755)
        ran = subprocess.run(
            ["/bin/bash", tmp_path / "scripts/prometheus.sh"],
            check=False,
            capture_output=True,
            text=True,
            env={"PATH": str(tmp_path / "bin"), **environ},
        )
        left = list((tmp_path / ".venv").glob("*"))
        return ran.returncode, ran.stdout, ran.stderr, left

    return run


FAILING_APT = {"apt-get": "echo 'E: Unable to locate package prometheus'; exit 100", "dpkg": "exit 1"}


@pytest.mark.parametrize(
    ("programs", "problem"),
    [({}, "there is no apt-get to fetch it"), (FAILING_APT, "E: Unable to locate package prometheus")],
)
def test_where_it_cannot_be_had_the_tests_are_skipped_but_not_in_ci(fetch, tmp_path, programs, problem):
    code, out, err, left = fetch(programs)
    assert (code, out, left) == (0, "", [])
    assert problem in err
    assert "skipped" in err
    shutil.rmtree(tmp_path / "scripts")
    shutil.rmtree(tmp_path / "bin")
    code, _, err, left = fetch(programs, CI="1")
    assert (code, left) == (1, [])
    assert problem in err
    assert "skipped" not in err


def test_where_the_machine_has_it_nothing_is_done(fetch):
    there = {"prometheus": "exit 1", "promtool": "exit 1", **FAILING_APT}
    assert fetch(there, CI="1") == (0, "", "", [])
