"""What vLLM's processes do before they load a model."""

import os
import signal
import subprocess
import sys

import pytest

from jarvis_adapters.vllm_plugin import SERVER_PID

PREPARE = "from jarvis_adapters.vllm_plugin import prepare; prepare()"


@pytest.fixture
def dead():
    """Give the id of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_an_engine_whose_server_died_before_ends(dead):
    environment = {**os.environ, SERVER_PID: str(dead)}
    assert (
        subprocess.run([sys.executable, "-c", PREPARE], env=environment, check=False).returncode
        == -signal.SIGKILL
    )


def test_a_worker_of_an_engine_goes_on_while_the_server_does():
    program = f"import subprocess, sys; sys.exit(subprocess.call([sys.executable, '-c', {PREPARE!r}]))"
    environment = {**os.environ, SERVER_PID: str(os.getpid())}
    assert subprocess.run([sys.executable, "-c", program], env=environment, check=False).returncode == 0
