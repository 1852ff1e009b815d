"""Makes sure that an engine's processes have ended, which is what frees its memory."""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

import psutil
import pynvml

logger = logging.getLogger(__name__)

GRACE = 10.0
"""Seconds that processes have to exit after vLLM was told to end them; vLLM kills its own after 5."""
KILLED = 5.0
"""Seconds that the kernel and the driver have to end a killed process."""
INTERVAL = 0.05


def trees(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """List processes and all their descendants.

    Call this while they live: the children of a process that has ended can no longer be found.
    """
    found: dict[psutil.Process, None] = {}
    for process in processes:
        found[process] = None
        if process.is_running():
            try:
                found.update(dict.fromkeys(process.children(recursive=True)))
            except psutil.NoSuchProcess:
                continue
    return list(found)


def ensure_ended(processes: Iterable[psutil.Process]) -> None:
    """Block until processes have ended, and kill those that do not.

    If there is an NVIDIA driver, check that it no longer lists any of them. It knows processes by their ids
    on the host: in a container that has its own process ids, nothing is found.
    """
    own = list(processes)
    if left := _still(lambda: _alive(own), GRACE):
        logger.warning("processes of the engine did not end, and are killed: %s", _pids(left))
        kill(left)
        if left := _still(lambda: _alive(left), KILLED):
            logger.warning("processes of the engine were killed, and have not ended: %s", _pids(left))
    if listed := _still(lambda: _on_gpus(own), KILLED):
        logger.warning("the GPU's driver still lists processes of the engine: %s", _pids(listed))


def kill(processes: Iterable[psutil.Process]) -> None:
    """Kill processes, and skip those that have ended."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def _still(left: Callable[[], list[psutil.Process]], seconds: float) -> list[psutil.Process]:
    """Return what is left, as soon as that is nothing or `seconds` have passed."""
    deadline = time.monotonic() + seconds
    while (found := left()) and time.monotonic() < deadline:
        time.sleep(INTERVAL)
    return found


def _alive(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    # Not by waiting for them: that would take their exit codes from `multiprocessing`.
    return [process for process in processes if _is_alive(process)]


def _is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _on_gpus(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return those processes that a GPU's driver lists; none without a driver."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        handles = [pynvml.nvmlDeviceGetHandleByIndex(index) for index in range(pynvml.nvmlDeviceGetCount())]
        listed = {one.pid for gpu in handles for one in pynvml.nvmlDeviceGetComputeRunningProcesses(gpu)}
    except pynvml.NVMLError as error:
        logger.warning("the GPU's driver does not tell which processes it has: %s", error)
        return []
    finally:
        pynvml.nvmlShutdown()
    return [process for process in processes if process.pid in listed]


def _pids(processes: Iterable[psutil.Process]) -> str:
    return ", ".join(str(process.pid) for process in processes)
