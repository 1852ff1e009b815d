"""Processes that belong to the server, and the signals that are not for them."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import psutil
import pytest

CHILD = """
import os, sys
from jarvis_toolkit import children
children.INTERVAL = 0.05
print("starts", flush=True)
sys.stdin.readline()
children.detach(os.getppid())
print("runs", flush=True)
sys.stdin.readline()
"""
SERVER = f"""
import os, signal, subprocess, sys, time
from jarvis_toolkit.children import OF_THE_SERVER, shielded
with shielded():
    child = subprocess.Popen([sys.executable, "-c", {CHILD!r}])
assert not signal.pthread_sigmask(signal.SIG_BLOCK, ())
for one in OF_THE_SERVER:
    signal.signal(one, lambda *_: None)
print(child.pid, flush=True)
while True:
    time.sleep(60)
"""


@pytest.fixture
def server():
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", SERVER]
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, bufsize=1, start_new_session=True)
    with process:
        lines = [process.stdout.readline() for _ in range(2)]
        process.child = psutil.Process(int(next(line for line in lines if line != "starts\n")))
        yield process
        process.kill()
        with suppress(psutil.NoSuchProcess):
            process.child.kill()


def ended(process):
    try:
        return process.wait(5) is not None or not process.is_running()
    except psutil.TimeoutExpired:
        return process.status() == psutil.STATUS_ZOMBIE


def test_a_signal_to_the_servers_group_reaches_no_child_neither_as_it_starts_nor_later(server):
    for sent in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.killpg(server.pid, sent)
    server.stdin.write("\n")
    assert server.stdout.readline() == "runs\n"
    assert os.getsid(server.child.pid) == server.child.pid != server.pid


def test_a_child_ends_with_a_server_that_is_killed(server):
    server.stdin.write("\n")
    assert server.stdout.readline() == "runs\n"
    server.kill()
    server.wait()
    assert ended(server.child)
