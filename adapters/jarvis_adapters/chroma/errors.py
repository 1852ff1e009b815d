"""Translates what Chroma raises into the errors of the port."""

import re
import shutil
from pathlib import Path

from jarvis_adapters.chroma.damage import REMEDY
from jarvis_ports.errors import JarvisError, StoreFailure, StoreUnavailable

FULL_BYTES = 8 * 2**20
"""The free bytes under which a disk counts as full: the next write of SQLite or an index may not fit."""
DAMAGED = re.compile("(?i)malformed|pickle|loading hnsw index|finding id|getting embedding|disk image")
"""What Chroma says of files of its own that it cannot make sense of."""


class NoSuchCollection(Exception):
    """There is no collection of that name, or Jarvis did not make it."""


def translate(error: BaseException, folder: Path | None = None) -> Exception:
    """Return the error to raise instead; every such error survives pickling.

    Args:
        error: what was raised.
        folder: the folder of the embedded store, to check for a full disk, which Chroma does not report.
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
    told = f"Chroma failed: {describe(error)}"
    if folder and DAMAGED.search(told):
        told += f"; its files are damaged: {REMEDY}"
    return StoreFailure(told)


def disk_is_full(folder: Path) -> bool:
    """Return whether the disk has no room for Chroma's next write, which Chroma's errors do not say."""
    try:
        return shutil.disk_usage(folder).free < FULL_BYTES
    except OSError:
        return False


def describe(error: BaseException) -> str:
    """Return what went wrong, in one line."""
    return " ".join(str(error).split())[:500] or type(error).__name__
