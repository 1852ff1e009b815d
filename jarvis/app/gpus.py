"""The GPUs of the machine, as NVIDIA's driver sees them."""

import logging
from functools import cache
from threading import Lock

import pynvml
from cachetools import TTLCache, cached

from jarvis_ports.values import Gpu

logger = logging.getLogger(__name__)

CACHED_SECONDS = 1.0


def available() -> bool:
    """Return whether there is a driver and at least one GPU."""
    return _count() > 0


@cached(TTLCache(1, CACHED_SECONDS), lock=Lock())
def gpus() -> tuple[Gpu, ...]:
    """Return the GPUs that answer; none without a driver. This never raises, and is safe in any thread.

    It asks the driver at most once a second; that may take milliseconds, and longer if an idle GPU sleeps.
    """
    return tuple(gpu for gpu_id in range(_count()) if (gpu := _read(gpu_id)))


@cache
def _count() -> int:
    try:
        pynvml.nvmlInit()
        return int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError as error:
        logger.debug("no GPU: %s", error)
        return 0


def _read(gpu_id: int) -> Gpu | None:
    try:
        handle = pynvml.nvmlDeviceGetHandleByIndex(gpu_id)
        memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
        return Gpu(gpu_id, pynvml.nvmlDeviceGetName(handle), memory.total, memory.used)
    except pynvml.NVMLError as error:
        _warn_once(gpu_id, str(error))
        return None


@cache
def _warn_once(gpu_id: int, error: str) -> None:
    logger.warning("GPU %d does not answer: %s", gpu_id, error)
