"""Memory that this process itself holds on a GPU, for the adapters that run a model in it."""

import gc
import logging
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

logger = logging.getLogger(__name__)

LEFT_BYTES = 100 * 10**6
"""The bytes that may stay allocated without a warning: libraries keep workspaces of some megabytes."""


@contextmanager
def gpu_session(gpu_id: int) -> Iterator[None]:
    """Run a block on a GPU, and give its memory back when the block ends, however it ends.

    The GPU is set for this thread alone: all that uses it, and the end of the block, belong in one thread.
    What the function around the block still refers to stays allocated; what functions that raised refer to
    does not, as their locals are cleared. More than 100 MB that stay are told in a warning. They are counted
    for the whole process: what others allocate meanwhile on the same GPU is counted in.

    Without CUDA it does nothing, and says so. A clean-up that fails is logged, and raises nothing.

    Args:
        gpu_id: as torch numbers the GPUs that it sees, from 0.

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
    """Clear what an error and its causes keep of the functions that they left: among it, tensors."""
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
