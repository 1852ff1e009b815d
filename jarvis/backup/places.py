"""What is backed up, and where it is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Show = Callable[[float, float | None], None]
"""A function that takes how many MB are done, and of how many."""

STORE, TEXTS, USAGE = "store", "text-index", "usage"
"""The folders of a backup."""
TEXTS_FILE = "text.sqlite3"
USAGE_FILE = "usage.sqlite3"
MB = 10**6


@dataclass(frozen=True)
class Places:
    """The places of the data.

    Attributes:
        adapter: the name of the store's adapter.
        store: the folder in which that adapter keeps its data; None if it keeps none there.
        texts: the folder of the text index; None if that is in memory.
        usage: the file of what callers used; None if that is in memory.
    """

    adapter: str
    store: Path | None
    texts: Path | None
    usage: Path | None
