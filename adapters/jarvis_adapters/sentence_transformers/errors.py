"""What torch raises, and the memory that its errors keep."""

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
"""After these, "any further CUDA work will return the same error" until the process is started anew
(CUDA Runtime API, cudaError)."""


def is_fatal(error: BaseException) -> bool:
    """Return whether the GPU can be used no more by this process."""
    message = str(error)
    return "CUDA error" in message and any(cause in message for cause in _FATAL)


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether fewer texts at once could do; for a GPU and for a CPU."""
    message = str(error)
    return (
        isinstance(error, MemoryError)
        or type(error).__name__ == "OutOfMemoryError"
        or "out of memory" in message
        or "DefaultCPUAllocator" in message
    )


def first_line(error: BaseException) -> str:
    """Return what was raised, in one line."""
    return f"{type(error).__name__}: {(str(error).strip().splitlines() or [''])[0]}"


def free_memory() -> None:
    """Free what nothing refers to any more, and give the GPU's part back to the driver."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch and torch.cuda.is_initialized():
        with contextlib.suppress(RuntimeError):  # a GPU that has failed for good says so here once more
            torch.cuda.empty_cache()
