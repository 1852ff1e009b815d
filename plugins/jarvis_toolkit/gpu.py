"""The GPU memory of this process, for adapters that run a model in it."""

import gc
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

logger = logging.getLogger(__name__)

LEFT_BYTES = 100 * 10**6
"""The most bytes that may stay allocated without a warning: libraries keep workspaces of some megabytes."""


@contextmanager
def gpu_session(gpu_id: int) -> Iterator[None]:
    """Run a block on a GPU, and give its memory back when the block ends, even if it raises.

    The GPU is set for this thread alone: everything that uses it, and the end of the block, belong in one
    thread. Memory that the function around the block still refers to stays allocated; memory that functions
    which raised refer to does not, as their locals are cleared. If more than 100 MB stay, this is logged as a
    warning. That counts the whole process, including what other threads allocate meanwhile on the same GPU.

    Without CUDA this only logs that it does nothing. If the clean-up fails, that is logged, and not raised.

    Args:
        gpu_id: torch's number of the GPU, from 0.

    Raises:
        RuntimeError: from torch, before the block begins: there is no such GPU, or it cannot be used.
    """
    from torch import cuda  # noqa: PLC0415 - takes seconds

    if not cuda.is_available():
        logger.info("there is no CUDA: a session on GPU %d does nothing", gpu_id)
        yield
        return
    outer = cuda.current_device()
    cuda.set_device(gpu_id)
    before = cuda.memory_allocated(gpu_id)
    try:
        yield
    except BaseException as error:
        _forget_locals(error)
        raise
    finally:
        _clean_up(cuda, gpu_id, outer, before)


def _forget_locals(error: BaseException | None) -> None:
    """Clear the locals that an error and its causes keep alive, as tensors may be among them."""
    while error:
        traceback.clear_frames(error.__traceback__)
        error = error.__cause__ or error.__context__


def _clean_up(cuda: Any, gpu_id: int, outer: int, before: int) -> None:  # noqa: ANN401 - torch is untyped here
    steps = (
        partial(cuda.synchronize, gpu_id),
        gc.collect,
        cuda.empty_cache,
        partial(_tell_what_is_left, cuda, gpu_id, before),
        partial(cuda.set_device, outer),
    )
    failed: dict[str, None] = {}
    for step in steps:
        try:
            step()
        except Exception as error:  # noqa: BLE001 - a GPU that has failed for good says so at each step
            failed[str(error).partition("\n")[0]] = None
    if failed:
        logger.warning("GPU %d: the clean-up failed: %s", gpu_id, "; ".join(failed))


def _tell_what_is_left(cuda: Any, gpu_id: int, before: int) -> None:  # noqa: ANN401
    left = cuda.memory_allocated(gpu_id) - before
    if left > LEFT_BYTES:
        logger.warning(
            "GPU %d: %d MB of this session are still allocated: something refers to them",
            gpu_id,
            left / 10**6,
        )
