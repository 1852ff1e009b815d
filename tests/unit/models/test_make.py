import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest

from jarvis.models import cache, resolve
from jarvis_ports.errors import ModelUnavailable

RESOLVE = [sys.executable, "-c", "from jarvis.models import resolve; print(resolve('org/model'))"]


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def partial(cache_folder):
    return list((cache_folder / ".partial").rglob("config.json"))


def workers(cache_folder):
    return [
        p for p in psutil.process_iter(["cmdline"]) if str(cache_folder) in " ".join(p.info["cmdline"] or ())
    ]


def test_a_killed_process_leaves_no_worker_and_no_model(hub, cache_folder):
    hub.gate.clear()
    process = subprocess.Popen(RESOLVE)
    wait_until(lambda: partial(cache_folder))
    left = partial(cache_folder)[0]
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not workers(cache_folder))
    assert left.exists()
    assert cache.ready("org/model") is None
    hub.gate.set()
    folder = resolve("org/model")
    assert (folder / "model.safetensors").stat().st_size == 5000
    assert not left.exists()
    assert not any((cache_folder / ".partial").iterdir())


def test_two_processes_make_it_once(hub):
    hub.gate.clear()
    processes = [subprocess.Popen(RESOLVE, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    time.sleep(2)
    hub.gate.set()
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert said[0] == said[1] == f"{cache.folder('org/model')}\n"
    assert sum(asked.startswith("GET") and asked.endswith("safetensors") for asked in hub.asked) == 1


def test_one_that_waits_for_another_says_so(hub):
    hub.gate.clear()
    thread = threading.Thread(target=resolve, args=["org/model"])
    thread.start()
    wait_until(lambda: any(asked.endswith("safetensors") for asked in hub.asked))
    steps = set()

    def progress(step, _done):
        steps.add(step)
        hub.gate.set()

    resolve("org/model", progress)
    thread.join()
    assert "waiting for another process that makes it" in steps


def test_what_progress_raises_ends_the_work(hub, cache_folder):
    hub.gate.clear()

    def progress(step, _done):
        if step == "downloading":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        resolve("org/model", progress)
    assert not workers(cache_folder)
    assert not any((cache_folder / ".partial").iterdir())
    assert cache.ready("org/model") is None


def test_a_worker_that_dies_is_told(hub, cache_folder):
    hub.gate.clear()

    def progress(step, _done):
        if step == "downloading":
            for worker in workers(cache_folder):
                worker.kill()

    with pytest.raises(ModelUnavailable, match="org/model: the process that makes it ended with status -9"):
        resolve("org/model", progress)


def test_a_cache_that_cannot_be_written(hub, tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("JARVIS_CACHE_DIR", str(tmp_path / "file"))
    with pytest.raises(ModelUnavailable, match=r"cannot write .*Not a directory; or set JARVIS_CACHE_DIR"):
        resolve("org/model")
