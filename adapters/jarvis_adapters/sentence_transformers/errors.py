"""Classifies the errors that torch raises, and frees the memory that they keep."""

import contextlib
import gc
import sys

_FATAL = (
    "device-side assert",
    "illegal memory access",
    "illegal instruction",
    "misaligned address",
    "unspecified launch failure",
    "uncorrectable ECC error",
)
"""Errors after which "any further CUDA work will return the same error" until the process is restarted
(CUDA Runtime API, cudaError)."""


def is_fatal(error: BaseException) -> bool:
    """Return whether this process can no longer use the GPU."""
    message = str(error)
    return "CUDA error" in message and any(cause in message for cause in _FATAL)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether a GPU or CPU ran out of memory, so that a smaller batch might succeed."""
    message = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "out of memory" in message
        or "DefaultCPUAllocator" in message
    )


def first_line(error: BaseException) -> str:
    """Return the type of an error and the first line of its message."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"


def free_memory() -> None:
    """Free what nothing refers to any more, and return the GPU's part of it to the driver."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_initialized():
        with contextlib.suppress(RuntimeError):  # a GPU that has failed for good raises here once more
            torch.cuda.empty_cache()
