"""How the threads of torch wait."""

import os
import subprocess
import sys

import pytest

LOADS = """
import os
from jarvis_toolkit.openmp import passive_waiting
with passive_waiting():
    import torch
print(os.environ.get("OMP_WAIT_POLICY"))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("chosen", "policy"), [(None, "PASSIVE"), ("active", "ACTIVE")])
def test_they_sleep_unless_the_operator_says_otherwise_and_child_processes_inherit_nothing(chosen, policy):
    environment = {**os.environ, "OMP_DISPLAY_ENV": "true"}
    environment.pop("OMP_WAIT_POLICY", None)
    if chosen:
        environment["OMP_WAIT_POLICY"] = chosen
    command = [sys.executable, "-c", LOADS]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert f"OMP_WAIT_POLICY = '{policy}'" in done.stderr
    assert done.stdout.strip() == str(chosen)
