import sys
import threading
from types import SimpleNamespace

import pynvml
import pytest

from jarvis.app import gpus as module
from jarvis.app.gpus import gpus
from jarvis_ports.values import Gpu


class FakeDriver:
    """What NVML says of two GPUs."""

    def __init__(self):
        self.inits, self.reads, self.missing, self.lost = 0, 0, False, set()

    def nvmlInit(self):  # noqa: N802
        self.inits += 1
        if self.missing:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_LIBRARY_NOT_FOUND)

    def nvmlDeviceGetCount(self):  # noqa: N802
        return 2

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        if index in self.lost:
            raise pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)
        return index

    def nvmlDeviceGetName(self, handle):  # noqa: N802
        return f"NVIDIA H{handle}"

    def nvmlDeviceGetMemoryInfo(self, handle):  # noqa: N802
        self.reads += 1
        return SimpleNamespace(total=80 * 2**30, used=2**30 * (handle + 1), free=0)


def forget():
    module.gpus.cache.clear()
    module._count.cache_clear()
    module._warn_once.cache_clear()


@pytest.fixture
def driver(monkeypatch):
    fake = FakeDriver()
    for name in dir(FakeDriver):
        if name.startswith("nvml"):
            monkeypatch.setattr(pynvml, name, getattr(fake, name))
    forget()
    yield fake
    forget()


def test_each_gpu_with_its_memory(driver):
    assert gpus() == (
        Gpu(0, "NVIDIA H0", 80 * 2**30, 2**30),
        Gpu(1, "NVIDIA H1", 80 * 2**30, 2 * 2**30),
    )


def test_the_driver_is_asked_once_for_many_calls(driver):
    found = []
    threads = [threading.Thread(target=lambda: found.extend(gpus() for _ in range(100))) for _ in range(4)]
    gpus()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(found) == {gpus()}
    assert driver.inits == 1
    assert driver.reads < 80, "it is asked once a second, not for each of 400 calls"


def test_without_a_driver_there_are_none_and_it_is_not_looked_for_again(driver):
    driver.missing = True
    assert gpus() == ()
    driver.missing = False
    gpus.cache.clear()
    assert gpus() == ()
    assert driver.inits == 1


def test_a_gpu_that_is_lost_is_left_out_and_told_once(driver, caplog):
    assert len(gpus()) == 2
    driver.lost = {0}
    for _ in range(3):
        gpus.cache.clear()
        assert [gpu.id for gpu in gpus()] == [1]
    assert caplog.messages == ["GPU 0 does not answer: GPU is lost"]
    driver.lost = set()
    gpus.cache.clear()
    assert len(gpus()) == 2


def test_this_machine_can_be_asked():
    forget()
    assert all(0 <= gpu.memory_used_bytes <= gpu.memory_total_bytes for gpu in gpus())
    assert isinstance(gpus(), tuple)
    assert "pynvml" in sys.modules
