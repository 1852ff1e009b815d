"""Several engines that start in one process, as far as no engine is needed."""

import asyncio
import subprocess
import threading
import time
from types import SimpleNamespace

import psutil
import pytest

from jarvis_adapters.vllm import exclusive, start
from jarvis_adapters.vllm.abandon import in_thread
from jarvis_adapters.vllm.failures import FailureLog
from jarvis_adapters.vllm.settings import VLLMSettings
from jarvis_adapters.vllm_plugin import SERVER_PID
from jarvis_ports.errors import EngineStartFailed


class Meter:
    """Counts how many are inside at once."""

    def __init__(self):
        self.inside = self.most = 0
        self._lock = threading.Lock()

    def __call__(self):
        with self._lock:
            self.inside += 1
            self.most = max(self.most, self.inside)
        time.sleep(0.05)
        with self._lock:
            self.inside -= 1


@pytest.fixture
def meters(monkeypatch):
    """A vLLM that takes a moment to prepare an engine, and another to start it."""
    found = SimpleNamespace(preparing=Meter(), starting=Meter())

    def create_engine_config(*_):
        found.preparing()
        return SimpleNamespace(model_config=SimpleNamespace(is_multimodal_model=False))

    asked = SimpleNamespace(
        create_engine_config=create_engine_config, enable_log_requests=False, disable_log_stats=False
    )
    monkeypatch.setattr(start, "AsyncEngineArgs", lambda **_: asked)
    monkeypatch.setattr(start, "cached_tokenizer_from_config", lambda _: None)
    monkeypatch.setattr(start.AsyncLLM, "from_vllm_config", lambda *_, **__: found.starting())
    monkeypatch.delenv(SERVER_PID, raising=False)
    return found


def start_four(tmp_path):
    threads = []
    for number in range(4):
        folder = tmp_path / str(number)
        folder.mkdir()
        args = (VLLMSettings(model="m"), FailureLog(folder))
        threads.append(threading.Thread(target=start._start, args=args))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def on(monkeypatch, *, cpu):
    monkeypatch.setattr(start, "current_platform", SimpleNamespace(is_cpu=lambda: cpu))


def test_on_a_cpu_engines_are_prepared_one_by_one_and_start_together(monkeypatch, tmp_path, meters):
    on(monkeypatch, cpu=True)
    all_four = threading.Barrier(4, timeout=10)
    monkeypatch.setattr(start.AsyncLLM, "from_vllm_config", lambda *_, **__: all_four.wait())
    start_four(tmp_path)

    assert meters.preparing.most == 1
    assert not all_four.broken, "one starts only when another has started"


def test_on_a_gpu_engines_start_one_after_another(monkeypatch, tmp_path, meters):
    on(monkeypatch, cpu=False)
    start_four(tmp_path)

    assert meters.preparing.most == meters.starting.most == 1


def test_an_engine_that_does_not_start_keeps_no_other_from_it(monkeypatch, tmp_path, meters):
    on(monkeypatch, cpu=False)
    monkeypatch.setattr(start.AsyncLLM, "from_vllm_config", lambda *_, **__: 1 / 0)

    with pytest.raises(EngineStartFailed, match="ZeroDivisionError"):
        start._start(VLLMSettings(model="m"), FailureLog(tmp_path))
    assert not exclusive.TAKING_GPU_MEMORY.locked()
    assert not exclusive.PREPARING.locked()


async def test_a_cancelled_start_loses_its_processes_and_another_keeps_its_own():
    def slow(seconds):
        subprocess.run(["sh", "-c", f"sleep {seconds}; true"], check=True)

    starts = [
        asyncio.create_task(in_thread(lambda s=seconds: slow(s), abandon=lambda _: None))
        for seconds in ("61", "62")
    ]
    me, sleeping = psutil.Process(), {}
    while len(sleeping) < 2:
        await asyncio.sleep(0.01)
        sleeping = {p.cmdline()[1]: p for p in me.children(recursive=True) if p.name() == "sleep"}
    starts[0].cancel()
    await asyncio.wait(starts[:1])
    psutil.wait_procs([sleeping["61"]], timeout=5)

    assert not sleeping["61"].is_running() or sleeping["61"].status() == psutil.STATUS_ZOMBIE
    assert sleeping["62"].status() == psutil.STATUS_SLEEPING
    assert not starts[1].done()
    starts[1].cancel()
    await asyncio.wait(starts)


async def test_a_start_that_succeeds_as_it_is_cancelled_is_undone():
    undone = asyncio.Event()
    loop = asyncio.get_running_loop()
    waiting = asyncio.create_task(
        in_thread(lambda: 7, abandon=lambda _: loop.call_soon_threadsafe(undone.set))
    )
    await asyncio.sleep(0)
    time.sleep(0.05)  # noqa: ASYNC251 - the thread has its result, and the loop has not heard of it
    waiting.cancel()

    await asyncio.wait_for(undone.wait(), 5)
