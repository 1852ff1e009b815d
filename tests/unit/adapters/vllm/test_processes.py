"""Whether an engine's processes have ended, on processes of other kinds."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pynvml
import pytest

from jarvis_adapters.vllm import processes
from jarvis_adapters.vllm.processes import ensure_ended, trees

CHILD = "import sys; print(1, flush=True); sys.stdin.read()"
TREE = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"


@pytest.fixture(autouse=True)
def short_times(monkeypatch):
    monkeypatch.setattr(processes, "GRACE", 0.3)
    monkeypatch.setattr(processes, "KILLED", 0.3)


@pytest.fixture
def start():
    """Starts a process that has a child; nothing of it is left after the test."""
    started = []

    def run():
        pipe = subprocess.PIPE
        process = subprocess.Popen([sys.executable, "-c", TREE], stdin=pipe, stdout=pipe)
        started.append(process)
        process.stdout.readline()
        return process, trees([psutil.Process(process.pid)])

    yield run
    for process in started:
        process.kill()
        process.stdin.close()
        process.stdout.close()
        process.wait()


@pytest.fixture
def gpu(monkeypatch):
    """A GPU whose driver lists the processes that a test names."""
    fake = SimpleNamespace(pids=[], driver=True, lost=False, open=0)

    def init():
        if not fake.driver:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)
        fake.open += 1

    def running(_handle):
        if fake.lost:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return [SimpleNamespace(pid=pid) for pid in fake.pids]

    monkeypatch.setattr(pynvml, "nvmlInit", init)
    monkeypatch.setattr(pynvml, "nvmlShutdown", lambda: setattr(fake, "open", fake.open - 1))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 1)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetComputeRunningProcesses", running)
    return fake


def alive(found):
    return [process for process in found if processes._is_alive(process)]


def test_the_tree_is_listed_as_far_as_it_lives(start):
    process, tree = start()
    assert [one.pid for one in tree] == [process.pid, psutil.Process(process.pid).children()[0].pid]
    process.kill()
    process.wait()
    assert trees(tree[:1]) == tree[:1]


def test_processes_that_have_ended_are_not_waited_for_nor_told(start, gpu, caplog):
    process, tree = start()
    process.stdin.close()
    while tree[0].status() != psutil.STATUS_ZOMBIE:
        time.sleep(0.01)
    ensure_ended(tree)
    assert caplog.messages == []
    assert process.wait() == 0, "the exit code is left to who started it"


def test_processes_that_do_not_end_are_killed_and_no_others(start, caplog):
    process, tree = start()
    _, others = start()
    os.kill(tree[1].pid, signal.SIGSTOP)
    ensure_ended(tree)
    pids = ", ".join(str(one.pid) for one in tree)
    assert caplog.messages == [f"processes of the engine did not end, and are killed: {pids}"]
    assert alive(tree) == []
    assert process.wait() == -signal.SIGKILL
    assert alive(others) == others


def test_a_child_that_its_parent_has_left_behind_is_killed(start, caplog):
    process, tree = start()
    process.kill()
    process.wait()
    ensure_ended(trees(tree))
    assert caplog.messages == [f"processes of the engine did not end, and are killed: {tree[1].pid}"]
    assert alive(tree) == []


def test_a_process_that_cannot_be_killed_is_told(start, caplog, monkeypatch):
    _, tree = start()
    monkeypatch.setattr(psutil.Process, "kill", lambda _: None)
    ensure_ended(tree[:1])
    assert caplog.messages[1:] == [
        f"processes of the engine were killed, and have not ended: {tree[0].pid}",
    ]


@pytest.mark.parametrize(
    ("listed", "told"), [("own", "the GPU's driver still lists processes of the engine: {}"), ("other", None)]
)
def test_a_process_that_the_driver_still_lists_is_told(start, gpu, caplog, listed, told):
    process, tree = start()
    process.stdin.close()
    gpu.pids = [tree[0].pid if listed == "own" else os.getpid()]
    ensure_ended(tree[:1])
    assert caplog.messages == ([told.format(tree[0].pid)] if told else [])
    assert gpu.open == 0


@pytest.mark.parametrize(
    ("broken", "told"),
    [("driver", []), ("lost", ["the GPU's driver does not tell which processes it has: GPU is lost"])],
)
def test_a_driver_that_does_not_answer_stops_nothing(start, gpu, caplog, broken, told):
    process, tree = start()
    process.stdin.close()
    setattr(gpu, broken, broken == "lost")
    ensure_ended(tree[:1])
    assert caplog.messages == told
    assert gpu.open == 0
