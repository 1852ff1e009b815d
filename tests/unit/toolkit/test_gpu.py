"""Sessions on a GPU, with a stand-in for torch.cuda; on this machine's own torch where it has no CUDA."""

import asyncio
import gc
import logging
import threading
import weakref
from contextlib import ExitStack
from types import SimpleNamespace

import pytest
import torch

from jarvis_adapters.sentence_transformers import embedder as adapter
from jarvis_adapters.sentence_transformers import load as loading
from jarvis_adapters.sentence_transformers.settings import SentenceTransformersSettings
from jarvis_ports.embedding import TextRole
from jarvis_ports.errors import EngineStartFailed
from jarvis_toolkit.gpu import gpu_session

pytestmark = pytest.mark.slow

DEAD = torch.AcceleratorError("CUDA error: device-side assert triggered\nCUDA kernel errors might be ...")
MB = 10**6


class Tensor:
    """What is on the GPU while it is referred to."""

    def __init__(self, gpu, megabytes):
        gpu.allocated += megabytes * MB
        weakref.finalize(self, gpu.free, megabytes * MB)
        self.itself = self  # only the garbage collector frees it


class FakeCuda:
    """Two GPUs; notes what is done, and in which thread each is set."""

    def __init__(self):
        self.calls, self.devices = [], threading.local()
        self.allocated, self.broken = 0, False

    def free(self, count):
        self.allocated -= count

    def is_available(self):
        return True

    def current_device(self):
        return getattr(self.devices, "current", 0)

    def set_device(self, device):
        if device > 1:
            msg = "CUDA error: invalid device ordinal"
            raise RuntimeError(msg)
        self.devices.current = device
        self.calls.append(("set_device", device))

    def memory_allocated(self, device):
        return self.allocated

    def synchronize(self, device):
        self.fail_or_note("synchronize", device)

    def empty_cache(self):
        self.fail_or_note("empty_cache", self.allocated)

    def fail_or_note(self, *call):
        if self.broken:
            raise DEAD
        self.calls.append(call)


@pytest.fixture
def cuda(monkeypatch):
    fake = FakeCuda()
    for name in dir(FakeCuda):
        if hasattr(torch.cuda, name) and not name.startswith("_"):
            monkeypatch.setattr(torch.cuda, name, getattr(fake, name))
    return fake


@pytest.fixture
def collector_is_off():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def warnings(caplog):
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_it_sets_the_gpu_and_cleans_up_in_order(cuda, collector_is_off, caplog):
    with gpu_session(1):
        assert cuda.current_device() == 1
        Tensor(cuda, 500)
    assert cuda.calls == [("set_device", 1), ("synchronize", 1), ("empty_cache", 0), ("set_device", 0)]
    assert warnings(caplog) == []


def test_what_a_function_that_raised_refers_to_is_freed(cuda, collector_is_off, caplog):
    def forward():
        batch = Tensor(cuda, 500)
        raise MemoryError(batch is None)

    def embed():
        kept = Tensor(cuda, 500)
        try:
            forward()
        except MemoryError as error:
            msg = "no"
            raise ValueError(msg, kept is None) from error

    with pytest.raises(ValueError, match="no") as raised, gpu_session(0):
        embed()
    assert isinstance(raised.value.__cause__, MemoryError)
    assert ("empty_cache", 0) in cuda.calls
    assert warnings(caplog) == []


@pytest.mark.parametrize(("megabytes", "told"), [(99, False), (101, True)])
def test_what_stays_allocated_is_told_from_100_mb_on(cuda, caplog, megabytes, told):
    before, kept = Tensor(cuda, 700), []
    with gpu_session(1):
        kept.append(Tensor(cuda, megabytes))
    expected = [f"GPU 1: {megabytes} MB of this session are still allocated: something refers to them"]
    assert warnings(caplog) == (expected if told else [])
    assert before
    assert kept


@pytest.mark.parametrize("error", [None, KeyError("of the block")])
def test_a_clean_up_that_fails_is_told_once_and_hides_nothing(cuda, caplog, error):
    def block():
        with gpu_session(1):
            cuda.broken = True
            if error:
                raise error

    if error:
        with pytest.raises(KeyError, match="of the block"):
            block()
    else:
        block()
    assert warnings(caplog) == [
        "GPU 1: the clean-up failed: CUDA error: device-side assert triggered",
    ]
    assert cuda.current_device() == 0


def test_a_gpu_that_is_not_there_is_told_before_the_block(cuda):
    with pytest.raises(RuntimeError, match="invalid device ordinal"), gpu_session(7):
        pytest.fail("it ran")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_without_cuda_it_does_nothing_and_says_so(caplog):
    caplog.set_level(logging.INFO, "jarvis_toolkit.gpu")
    with gpu_session(0):
        pass
    with pytest.raises(KeyError), gpu_session(0):
        raise KeyError
    assert caplog.messages == ["there is no CUDA: a session on GPU 0 does nothing"] * 2
    assert not torch.cuda.is_initialized()


# The embedder's session


class Encoder:
    """An encoder with a model on the GPU."""

    def __init__(self, cuda):
        self.model, self.down = Tensor(cuda, 500), ""
        self._cuda = cuda

    def encode(self, texts, role):
        """Gives the GPU and the thread that it is called with."""
        return self._cuda.current_device(), threading.current_thread()

    def drop(self):
        self.model = None


@pytest.fixture
def model_on_gpu(cuda, monkeypatch):
    """Let the model's load end as a test wants it to; note the GPU and the thread that it had."""
    found = SimpleNamespace(
        error=None, device=None, thread=None, begun=threading.Event(), may_end=threading.Event()
    )
    found.may_end.set()

    def load(settings, session):
        session.enter_context(gpu_session(loading.GPU + 1))
        found.device, found.thread = cuda.current_device(), threading.current_thread()
        found.begun.set()
        found.may_end.wait(10)
        if found.error:
            Encoder(cuda)
            raise found.error
        info = SimpleNamespace(settings={"device": "cuda", "threads": "1"})
        encoder = Encoder(cuda)
        return SimpleNamespace(runner=encoder, info=info)

    monkeypatch.setattr(loading, "load", load)
    return found


async def ended(found):
    """Wait for the thread, which nothing waits for where a load has failed."""
    for _ in range(500):
        if not found.thread.is_alive():
            return
        await asyncio.sleep(0.01)
    pytest.fail("the thread goes on")


async def test_load_service_and_close_are_one_session_in_one_thread(cuda, model_on_gpu, caplog):
    async with adapter.running(SentenceTransformersSettings(model="m")) as embedder:
        assert model_on_gpu.device == 1
        for role in TextRole:
            assert await embedder.embed(["a"], role) == (1, model_on_gpu.thread)
        assert cuda.allocated == 500 * MB
    assert cuda.calls[1:] == [("synchronize", 1), ("empty_cache", 0), ("set_device", 0)]
    assert warnings(caplog) == []


async def test_a_load_that_fails_ends_the_session(cuda, model_on_gpu, caplog):
    model_on_gpu.error = EngineStartFailed("no")
    with pytest.raises(EngineStartFailed):
        async with adapter.running(SentenceTransformersSettings(model="m")):
            pass
    await ended(model_on_gpu)
    assert cuda.calls[-2:] == [("empty_cache", 0), ("set_device", 0)]
    assert warnings(caplog) == []


async def test_a_load_that_nobody_waits_for_ends_the_session(cuda, model_on_gpu, caplog):
    async def open_and_close():
        async with adapter.running(SentenceTransformersSettings(model="m")):
            pytest.fail("it was opened")

    model_on_gpu.may_end.clear()
    opening = asyncio.create_task(open_and_close())
    await asyncio.to_thread(model_on_gpu.begun.wait, 10)
    opening.cancel()
    await asyncio.wait([opening])
    model_on_gpu.may_end.set()
    await ended(model_on_gpu)
    assert cuda.calls[-2:] == [("empty_cache", 0), ("set_device", 0)]
    assert warnings(caplog) == []


@pytest.mark.parametrize(("device", "sessions"), [("cpu", 0), ("auto", 1)])
def test_a_model_that_is_to_run_on_a_cpu_begins_no_session(cuda, monkeypatch, device, sessions):
    monkeypatch.setattr(loading, "_silence", lambda: None)
    session = ExitStack()
    with pytest.raises(EngineStartFailed), session:
        loading.load(SentenceTransformersSettings(model="/nowhere", device=device), session)
    assert cuda.calls.count(("set_device", 0)) == 2 * sessions
