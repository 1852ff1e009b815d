"""What callers used: counted over the last minute with `limits`, and kept by day in SQLite."""

from jarvis.usage.ledger import SQLiteLedger
from jarvis.usage.windows import SlidingWindows

__all__ = ["SQLiteLedger", "SlidingWindows"]
