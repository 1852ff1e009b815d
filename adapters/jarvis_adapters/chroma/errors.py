"""What Chroma raises, as the errors of the port."""

import shutil
from pathlib import Path

from jarvis_ports.errors import JarvisError, StoreFailure, StoreUnavailable

FULL_BYTES = 8 * 2**20
"""With less free, a disk is full: what SQLite or an index wants to write next no longer fits."""


class NoSuchCollection(Exception):
    """There is no collection of that name, or it is not ours."""


def translate(error: BaseException, folder: Path | None = None) -> Exception:
    """Return what to raise instead; all of them survive pickling.

    Args:
        error: what was raised.
        folder: that of the embedded store: whether its disk is full, Chroma does not say.
    """
    import httpx  # noqa: PLC0415 - only chromadb brings it

    if isinstance(error, NoSuchCollection | JarvisError):
        return error
    if isinstance(error, httpx.TimeoutException):
        return StoreUnavailable("the Chroma server does not answer in time")
    if isinstance(error, httpx.TransportError):
        return StoreUnavailable(f"the Chroma server does not answer: {error}")
    if folder and disk_is_full(folder):
        return StoreFailure(
            f"the disk of {folder} is full: free some space; Chroma failed: {describe(error)}"
        )
    return StoreFailure(f"Chroma failed: {describe(error)}")


def disk_is_full(folder: Path) -> bool:
    """Return whether there is no room for what Chroma writes next, which its errors do not say."""
    try:
        return shutil.disk_usage(folder).free < FULL_BYTES
    except OSError:
        return False


def describe(error: BaseException) -> str:
    """Return in one line what went wrong."""
    return " ".join(str(error).split())[:500] or type(error).__name__
